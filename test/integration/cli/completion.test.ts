// The scripts of `sallyport completion` in the shells themselves; a shell that is not installed is passed over.

import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLI } from "../../../scripts/repository.ts";
import { Person } from "../../support/cli.ts";

const LINES: readonly (readonly [line: string, expected: readonly string[]])[] = [
  ["sallyport to", ["token"]],
  ["sallyport token cre", ["create"]],
  ["sallyport token create --sc", ["--scope"]],
  ["sallyport token create --scope a", ["account", "admin"]],
  ["sallyport --gateway https://x token owner-", ["owner-list", "owner-revoke"]],
  ["sallyport gateway host-keys rotate --a", ["--activate"]],
  ["sallyport completion ", ["bash", "fish", "powershell", "zsh"]],
  ["sallyport help known", ["known-hosts"]],
  ["sallyport host --token-file KNOWN_FI", ["KNOWN_FILE"]],
];

const has = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

let person: Person;
beforeAll(() => {
  person = new Person();
  writeFileSync(join(person.home, "KNOWN_FILE"), "");
});
afterAll(() => {
  person.close();
});

async function script(shell: string): Promise<string> {
  const path = join(person.home, `completion.${shell === "powershell" ? "ps1" : shell}`);
  writeFileSync(path, (await person.run(["completion", shell])).stdout);
  return path;
}

function run(shell: string, args: readonly string[]): string[] {
  const env = { ...process.env, HOME: person.home, TERM: "dumb" };
  const output = execFileSync(shell, args, { cwd: person.home, env, encoding: "utf8" });
  return output.split("\n").filter((line) => line !== "");
}

test("dist/ has the scripts and the man pages of all commands, for packages", () => {
  const dist = dirname(CLI);
  expect(readdirSync(join(dist, "completions")).toSorted()).toEqual([
    "_sallyport",
    "sallyport",
    "sallyport.fish",
    "sallyport.ps1",
  ]);
  for (const name of readdirSync(join(dist, "completions"))) {
    expect(readFileSync(join(dist, "completions", name), "utf8")).toContain("install-service");
  }
  expect(readFileSync(join(dist, "man/sallyport-host.1"), "utf8")).toContain("host install\\-service");
});

describe.skipIf(!has("bash"))("bash", () => {
  test.each(LINES)("completes %j", async (line, expected) => {
    const code = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sallyport; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const offered = run("bash", ["--norc", "-c", code, "bash", await script("bash"), ...line.split(" ")]);
    expect(offered.toSorted()).toEqual(expected);
  });
});

describe.skipIf(!has("fish"))("fish", () => {
  test.each(LINES)("completes %j", async (line, expected) => {
    const code = "source $argv[1]; complete -C $argv[2]";
    const offered = run("fish", ["--no-config", "-c", code, await script("fish"), line]);
    expect(offered.map((each) => each.split("\t")[0]).toSorted()).toEqual(expected);
  });
});

/** No registry of ours has PowerShell: where it is missing, the test below reads the words, and the script itself is not run. */
const PWSH = "pwsh";
const hasPwsh = spawnSync(PWSH, ["-NoProfile", "-Command", "exit 0"]).status === 0;
if (!hasPwsh) console.warn("skipped: the completion script in PowerShell itself, which is not installed");

describe.skipIf(!hasPwsh)("PowerShell", () => {
  test.each(LINES)("completes %j", async (line, expected) => {
    const code =
      "param($script, $line) . $script; " +
      "[System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches.ListItemText";
    const file = join(person.home, "complete.ps1");
    writeFileSync(file, code);
    const offered = run(PWSH, ["-NoProfile", "-File", file, await script("powershell"), line]);
    expect(offered.toSorted()).toEqual(expected);
  });
});

describe.skipIf(!has("zsh"))("zsh", () => {
  test("takes the script as its completion of sallyport", async () => {
    const code = 'autoload -Uz compinit && compinit -u -D; source "$1"; print $_comps[sallyport]';
    expect(run("zsh", ["-f", "-c", code, "zsh", await script("zsh")])).toEqual(["_sallyport"]);
  });
});
