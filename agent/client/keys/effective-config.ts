// What the person's SSH configuration means for one host, as their own ssh says by `ssh -G`: Include, Match, patterns and
// defaults are then read by the program that they are meant for.

import { execFile } from "node:child_process";
import type { Machine } from "../../platform/paths.ts";
import { parseEffectiveSettings } from "../ssh-config/person/effective-settings.ts";

/** The part of `ssh -G` that decides which keys are offered (ssh_config(5)). Values are as ssh prints them. */
export interface EffectiveConfig {
  readonly user: string;
  readonly hostName: string;
  readonly port: string;
  /** In the order in which ssh tries them; paths may still hold `~`, `%d` and `${VAR}`, which ssh expands later. */
  readonly identityFiles: readonly string[];
  readonly certificateFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** undefined: nothing is configured, so SSH_AUTH_SOCK counts. */
  readonly identityAgent: string | undefined;
}

/** Why ssh gave no answer. */
export interface NoAnswer {
  readonly problem: "no-ssh" | "bad-config" | "timeout";
  readonly message: string;
}

export interface AskOptions {
  /** An alias or a host name. */
  readonly host: string;
  /** Instead of ssh's own places (`ssh -F`). */
  readonly configFile: string | undefined;
  readonly env: Machine["env"];
  /** The program; `ssh` from PATH by default. */
  readonly ssh?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

/** A `Match exec` of the person's own may run here, as it does each time that ssh starts. */
const TIMEOUT_MS = 5_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** Never throws: without an answer the caller can still look in the usual places. */
export function askSsh(options: AskOptions): Promise<EffectiveConfig | NoAnswer> {
  const { host, configFile, env, ssh = "ssh", timeoutMs = TIMEOUT_MS } = options;
  // ssh takes a host that begins with a hyphen for options; no such host exists.
  if (host === "" || host.startsWith("-")) {
    return Promise.resolve({ problem: "bad-config", message: `${JSON.stringify(host)} is not a host.` });
  }
  const args = [...(configFile === undefined ? [] : ["-F", configFile]), "-T", "-G", "--", host];
  return new Promise((resolve) => {
    const child = execFile(
      ssh,
      args,
      {
        env: { ...env },
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: MAX_OUTPUT_BYTES,
        windowsHide: true,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(parseEffectiveConfig(stdout));
        else if (error.code === "ENOENT" || error.code === "EACCES") {
          resolve({ problem: "no-ssh", message: `There is no ${ssh} program: install OpenSSH's client.` });
        } else if (error.killed === true) {
          resolve({
            problem: "timeout",
            message: `ssh did not read its configuration within ${timeoutMs / 1000} s: does a "Match exec" in it hang?`,
          });
        } else {
          const said = lastLine(stderr) ?? `it ended with ${error.code ?? error.signal ?? "an error"}`;
          resolve({ problem: "bad-config", message: `ssh cannot read its configuration: ${said}` });
        }
      },
    );
    // A `Match exec` must not wait for somebody to type.
    child.stdin?.end();
  });
}

/** Reads the output of `ssh -G`: one keyword in lower case and its value a line. Unknown keywords are left out. */
export function parseEffectiveConfig(output: string): EffectiveConfig {
  const values = parseEffectiveSettings(output);
  const one = (keyword: string) => values.get(keyword)?.[0];
  return {
    user: one("user") ?? "",
    hostName: one("hostname") ?? "",
    port: one("port") ?? "22",
    identityFiles: (values.get("identityfile") ?? []).filter((path) => path !== "none"),
    certificateFiles: (values.get("certificatefile") ?? []).filter((path) => path !== "none"),
    identitiesOnly: one("identitiesonly") === "yes",
    identityAgent: one("identityagent"),
  };
}

/** The last line says what stopped ssh: the ones before it are warnings. */
function lastLine(text: string): string | undefined {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("Pseudo-terminal "))
    .at(-1)
    ?.slice(0, 500);
}
