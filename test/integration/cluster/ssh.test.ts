// The SSH port of two workers, with a real host and the machine's own ssh.

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Stack, startStack } from "../../support/stack.ts";
import { logOf } from "./harness.ts";

const run = promisify(execFile);
const TRIES = 10;

let directory: string;
let stack: Stack;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-workers-ssh-"));
  const gatewayArgs = ["--http", "127.0.0.1:0", "--workers", "2"];
  stack = await startStack({ directory, workspace: "dev", gatewayArgs });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const workersOf = (event: string): unknown[] =>
  logOf(directory)
    .filter(({ audit }) => audit === event)
    .map(({ worker }) => worker);

describe("a workspace", () => {
  test.each([
    ["dev", "tunnel.opened"],
    ["dev-jump", "ssh.forward.opened"],
    ["dev-direct", "ssh.session.opened"],
  ])(
    "is reached as %s through the worker that has its link and through the other one",
    async (name, event) => {
      for (let i = 0; i < TRIES && new Set(workersOf(event)).size < 2; i++) {
        // A connection of its own takes a turn, so that the next one goes to the other worker.
        if (i % 2 === 1) await fetch(`${stack.gateway.url}/healthz`, { headers: { connection: "close" } });
        const { stdout } = await run("ssh", ["-F", stack.sshConfig, name, "echo out"], {
          timeout: 60_000,
        }).catch((error: unknown) => {
          throw new Error(`the ${i + 1}th ssh ${name}`, { cause: error });
        });
        expect(stdout).toBe("out\n");
      }
      expect(new Set(workersOf(event))).toEqual(new Set([0, 1]));
    },
  );

  test("returns on both workers what it was sent", async () => {
    const sent = randomBytes(3_000_000);
    const hash = (data: Buffer | string) => createHash("sha256").update(data).digest("hex");
    for (let i = 0; i < 4; i++) {
      const child = execFile(
        "ssh",
        ["-F", stack.sshConfig, i % 2 === 0 ? "dev-direct" : "dev", "cat"],
        { encoding: "buffer", maxBuffer: 10_000_000 },
        () => undefined,
      );
      const chunks: Buffer[] = [];
      child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
      child.stdin?.end(sent);
      expect((await once(child, "close"))[0]).toBe(0);
      expect(hash(Buffer.concat(chunks))).toBe(hash(sent));
    }
  });
});

describe("an address that keeps failing", () => {
  test("is refused by both workers, although each has seen half of the failures", async () => {
    const began = performance.now();
    let [accepted, refused] = [0, 0];
    // Four refusals in a row are those of both: connections go to the workers in turn.
    for (let i = 0; i < 60 && refused < 4; i++) {
      const answer = await talk(`SSH-2.0-test\r\n${"\xff".repeat(64)}`);
      if (answer === "Not allowed at this time\r\n") refused++;
      else {
        expect(answer).toMatch(/^SSH-2\.0-/);
        accepted++;
        refused = 0;
      }
    }
    expect(refused).toBe(4);
    // Each failure costs 2 s, which fade with time: the threshold of 20 s is reached after ten failures and
    // those that have faded. A worker that counted only its own failures would accept as many as both do
    // together. One worker may hear of the other's failure after the next connection.
    const fadedOffences = (performance.now() - began) / 2000;
    expect(accepted).toBeGreaterThanOrEqual(10);
    expect(accepted).toBeLessThanOrEqual(10 + fadedOffences + 2);
  });
});

/** What the SSH port sends until it closes. */
async function talk(text: string): Promise<string> {
  const socket = connect(stack.gateway.sshPort, "127.0.0.1");
  socket.on("error", () => undefined);
  let answer = "";
  socket.setEncoding("latin1").on("data", (part: string) => {
    answer += part;
  });
  socket.write(text, "latin1");
  await once(socket, "close");
  return answer;
}
