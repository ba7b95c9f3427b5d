// An ssh that prints a number a tenth of a second, so that a test sees what comes, when, and whether any is missing.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { World } from "./world.ts";

export interface Counting {
  readonly child: ChildProcess;
  /** The numbers so far. */
  readonly numbers: readonly number[];
  /** `performance.now()` of the last one. */
  readonly lastAt: () => number;
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
}

/** @param prefix in front of ssh, such as a command that enters a namespace */
export function count(world: World, alias: string, to: number, prefix: readonly string[] = []): Counting {
  const script = `for i in $(seq ${to}); do echo $i; sleep 0.1; done`;
  const [file = "ssh", ...args] = [...prefix, "ssh", "-F", world.stack.sshConfig, alias, script];
  const child = world.own(spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] }));
  const numbers: number[] = [];
  let [errors, lastAt] = ["", performance.now()];
  if (child.stdout === null || child.stderr === null) throw new Error("ssh has no pipes");
  createInterface({ input: child.stdout }).on("line", (line) => {
    numbers.push(Number(line));
    lastAt = performance.now();
  });
  child.stderr.on("data", (data) => {
    errors += data;
  });
  const ended = once(child, "close").then(([code]) => code);
  return { child, numbers, lastAt: () => lastAt, stderr: () => errors, ended };
}

export const upTo = (to: number): number[] => Array.from({ length: to }, (_, i) => i + 1);
