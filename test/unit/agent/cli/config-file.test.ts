import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { allDefinitions } from "../../../../agent/cli/commands.ts";
import { parseConfigFile, readConfigFile } from "../../../../agent/cli/config-file.ts";
import { ConfigFileError } from "../../../../protocol/command/command.ts";
import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { newAccessToken } from "../../../../protocol/values/token.ts";

const COMMANDS = ["host", "token"];

describe("the configuration file", () => {
  test("holds options of all commands and of single ones", () => {
    const text =
      '{ "options": { "gateway": "https://g" }, "commands": { "token create": { "expires": "7d" } } }';
    expect(parseConfigFile("/c", text, COMMANDS)).toEqual({
      path: "/c",
      options: { gateway: "https://g" },
      commands: { "token create": { expires: "7d" } },
    });
    expect(parseConfigFile("/c", "{}", COMMANDS)).toEqual({ path: "/c", options: {}, commands: {} });
  });

  test.each([
    ["{", /^\/c is not JSON/],
    ["[]", "/c has to be an object"],
    ['{ "option": {} }', "option in /c means nothing"],
    ['{ "options": { "name": "x" } }', "options.name in /c is not an option of every command"],
    ['{ "commands": { "host": "x" } }', "commands.host in /c has to be an object"],
    [
      '{ "commands": { "hots": { "no-account-keys": true } } }',
      "commands.hots in /c: there is no such command.",
    ],
  ])("%s is refused, with the key", (text, message) => {
    expect(() => parseConfigFile("/c", text, COMMANDS)).toThrow(ConfigFileError);
    expect(() => parseConfigFile("/c", text, COMMANDS)).toThrow(message);
  });

  test("never holds a token, and does not show it", () => {
    const token = newAccessToken();
    const text = `{ "commands": { "host": { "token": "${token}" } } }`;
    expect(() => parseConfigFile("/c", text, COMMANDS)).toThrow(/holds a token/);
    expect(() => parseConfigFile("/c", text, COMMANDS)).not.toThrow(token);
  });
});

test("no command takes a token, or the name of a file with one, from the configuration file", async () => {
  const configurable = (definition: CommandDefinition): string[] => [
    ...Object.entries(definition.options).flatMap(([name, option]) => (option.config ? [name] : [])),
    ...Object.values(definition.subcommands ?? {}).flatMap(configurable),
  ];
  const names = (await allDefinitions()).flatMap(configurable);
  expect(names).toContain("gateway");
  expect(names.filter((name) => /(?<!no-owner-|no-first-)token|secret|password/.test(name))).toEqual([]);
});

describe.skipIf(process.platform === "win32")("reading it", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "config-file-"));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  test("finds nothing where there is none", () => {
    expect(readConfigFile(join(directory, "config.json"), COMMANDS)).toBeUndefined();
    expect(readConfigFile(join(directory, "none", "config.json"), COMMANDS)).toBeUndefined();
  });

  test("refuses one that other users can change", () => {
    const path = join(directory, "config.json");
    writeFileSync(path, "{}");
    chmodSync(path, 0o644);
    expect(readConfigFile(path, COMMANDS)).toMatchObject({ path });
    chmodSync(path, 0o664);
    expect(() => readConfigFile(path, COMMANDS)).toThrow(/can be changed by other users/);
  });

  test("refuses what is not a file, and does not wait for a writer", () => {
    expect(() => readConfigFile(directory, COMMANDS)).toThrow(ConfigFileError);
    expect(() => readConfigFile(directory, COMMANDS)).toThrow(/is not a file/);
    const path = join(directory, "config.json");
    execFileSync("mkfifo", [path]);
    expect(() => readConfigFile(path, COMMANDS)).toThrow(/is not a file/);
  });
});
