import { describe, expect, test } from "vitest";
import { definition } from "../../../../../../agent/cli/commands/host/definition.ts";
import { hostOptions } from "../../../../../../agent/cli/commands/host/options.ts";
import { splitArguments } from "../../../../../../protocol/command/arguments.ts";
import type { CommandContext } from "../../../../../../protocol/command/command.ts";
import { readInput } from "../../../../../../protocol/command/run.ts";

function parseHostOptions(args: readonly string[], env: CommandContext["env"]) {
  return hostOptions(readInput(definition, splitArguments(args, definition.options), { env }).options, env);
}

const base = ["--gateway", "https://gw.example"];

describe("the options of a host", () => {
  test("never let everyone in by omission", () => {
    expect(() => parseHostOptions([...base, "--open"], {})).toThrow(/--authorized-keys FILE, or --anyone/);
    expect(() => parseHostOptions([...base, "--no-account-keys"], {})).toThrow(/nobody/);
    expect(parseHostOptions([...base, "--open", "--anyone"], {}).anyone).toBe(true);
    const open = parseHostOptions(
      [...base, "--open", "--authorized-keys", "a", "--authorized-keys", "b"],
      {},
    );
    expect(open).toMatchObject({ authorizedKeys: ["a", "b"], accountKeys: false, anyone: false });
  });

  test("take the token from where it is said, and the environment last", () => {
    const env = { SALLYPORT_TOKEN: "e" };
    const source = (args: string[]) => parseHostOptions([...base, ...args], env).token;
    expect(source([])).toEqual({ kind: "stored" });
    expect(source(["--token", "t"])).toEqual({ kind: "value", token: "t" });
    expect(source(["--token-file", "f"])).toEqual({ kind: "file", path: "f" });
    expect(parseHostOptions(base, {}).token).toEqual({ kind: "stored" });
    expect(() => source(["--token", "t", "--token-file", "f"])).toThrow(/exclude each other/);
  });

  test("never take a token from the configuration file, which binds it to no gateway", () => {
    for (const option of ["token", "token-file", "open"]) {
      const config = { path: "/c", options: {}, commands: { host: { [option]: "/home/ada/spt" } } };
      expect(() => readInput(definition, { options: [], operands: [] }, { env: {}, config })).toThrow(
        `commands.host.${option} in /c: --${option} cannot be set there.`,
      );
    }
  });

  test("name what a browser and an editor open, from the command line or the environment, and never by guess", () => {
    const env = { SALLYPORT_BROWSER_URL: "https://env.example", SALLYPORT_FOLDER: "/env" };
    expect(parseHostOptions(base, env)).toMatchObject({
      browserUrl: "https://env.example/",
      folder: "/env",
    });
    const args = ["--browser-url", "http://dev.example:3000/app", "--folder", "/srv/app"];
    expect(parseHostOptions([...base, ...args], env)).toMatchObject({
      browserUrl: "http://dev.example:3000/app",
      folder: "/srv/app",
    });
    expect(parseHostOptions([...base, "--cwd", "/tmp"], {})).toMatchObject({
      browserUrl: undefined,
      folder: undefined,
    });
    expect(() => parseHostOptions([...base, "--browser-url", "ftp://dev.example"], {})).toThrow(/https:/);
    expect(() => parseHostOptions([...base, "--browser-url", "https://me:pw@dev.example"], {})).toThrow(
      /password/,
    );
    expect(() => parseHostOptions([...base, "--folder", "src"], {})).toThrow(/absolute path/);
  });

  test("refuse what cannot work before anything starts", () => {
    expect(() => parseHostOptions([], {})).toThrow(/gateway is missing/);
    expect(() => parseHostOptions(["--gateway", "ftp://x"], {})).toThrow(/https or http/);
    expect(() => parseHostOptions([...base, "--name", "Bad Name"], {})).toThrow(/a-z/);
    expect(() => parseHostOptions([...base, "--frobnicate"], {})).toThrow(/frobnicate/);
    expect(() => parseHostOptions([...base, "stray"], {})).toThrow(/stray/);
    expect(() => parseHostOptions(["--gateway", "http://gw.example"], {})).toThrow(/plain http/);
    expect(parseHostOptions(["--gateway", "http://gw.example", "--allow-plain-http"], {}).gateway).toBe(
      "http://gw.example",
    );
  });

  test("allow plain http by the value 1 of the variable alone", () => {
    const allowed = (value: string) => () =>
      parseHostOptions(["--gateway", "http://gw.example"], { SALLYPORT_ALLOW_PLAIN_HTTP: value });
    expect(allowed("1")().gateway).toBe("http://gw.example");
    for (const value of ["true", "yes", "on", "0", ""]) expect(allowed(value)).toThrow(/plain http/);
  });
});
