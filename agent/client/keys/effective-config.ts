// The settings of the person's SSH configuration for one host that decide which keys ssh offers, as `ssh -G` prints them.

import type { Machine } from "../../platform/paths.ts";
import { askSsh, type SshSettings } from "../ssh-command/ask-ssh.ts";

/** See ssh_config(5). Values are as ssh prints them. */
export interface EffectiveConfig {
  readonly user: string;
  readonly hostName: string;
  readonly port: string;
  /** In the order in which ssh tries them. Paths may still contain `~`, `%d` and `${VAR}`, which ssh expands later. */
  readonly identityFiles: readonly string[];
  readonly certificateFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** undefined: not configured, so SSH_AUTH_SOCK counts. */
  readonly identityAgent: string | undefined;
}

/** Why ssh gave no answer. */
export interface NoAnswer {
  readonly problem: "no-ssh" | "bad-config" | "timeout";
  readonly message: string;
}

export interface ConfigQuestion {
  /** An alias or a host name. */
  readonly host: string;
  /** Used instead of ssh's default files (`ssh -F`). */
  readonly configFile: string | undefined;
  readonly env: Machine["env"];
  /** The program; by default `ssh` from PATH. */
  readonly ssh?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Never throws: without an answer the caller can still search the default paths. */
export async function effectiveConfig(options: ConfigQuestion): Promise<EffectiveConfig | NoAnswer> {
  const { host, configFile, env, ssh: program = "ssh", timeoutMs } = options;
  // ssh takes a host that begins with a hyphen for options; no such host exists.
  if (host === "" || host.startsWith("-")) {
    return { problem: "bad-config", message: `${JSON.stringify(host)} is not a host.` };
  }
  const args = [...(configFile === undefined ? [] : ["-F", configFile]), "-T", "--", host];
  const answer = await askSsh(args, { program, env, timeoutMs });
  switch (answer.kind) {
    case "settings":
      return configOf(answer.settings);
    case "no-ssh":
      return { problem: "no-ssh", message: `There is no ${program} program: install OpenSSH's client.` };
    case "timeout":
      return {
        problem: "timeout",
        message: `ssh did not read its configuration within ${answer.seconds} s: does a "Match exec" in it hang?`,
      };
    case "failed":
      return {
        problem: "bad-config",
        message: `ssh cannot read its configuration: ${lastLine(answer.said)}`,
      };
  }
}

function configOf(values: SshSettings): EffectiveConfig {
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

/** The last line is the error; the ones before it are warnings. */
function lastLine(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const said = lines.filter((line) => line !== "" && !line.startsWith("Pseudo-terminal "));
  return said.at(-1)?.slice(0, 500) ?? "it does not say why";
}
