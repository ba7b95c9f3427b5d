import { describe, expect, it } from "vitest";
import { parseHostOptions } from "../../../../../../agent/cli/commands/host/options.ts";

const base = ["--gateway", "https://gw.example"];

describe("the options of a host", () => {
  it("never let everyone in by omission", () => {
    expect(() => parseHostOptions([...base, "--open"], {})).toThrow(/--authorized-keys FILE, or --anyone/);
    expect(() => parseHostOptions([...base, "--no-account-keys"], {})).toThrow(/nobody/);
    expect(parseHostOptions([...base, "--open", "--anyone"], {}).anyone).toBe(true);
    const open = parseHostOptions(
      [...base, "--open", "--authorized-keys", "a", "--authorized-keys", "b"],
      {},
    );
    expect(open).toMatchObject({ authorizedKeys: ["a", "b"], accountKeys: false, anyone: false });
  });

  it("take the token from where it is said, and the environment last", () => {
    const env = { SALLYPORT_TOKEN: "e" };
    const source = (args: string[]) => parseHostOptions([...base, ...args], env).token;
    expect(source([])).toEqual({ kind: "stored" });
    expect(source(["--token", "t"])).toEqual({ kind: "value", token: "t" });
    expect(source(["--token-file", "f"])).toEqual({ kind: "file", path: "f" });
    expect(parseHostOptions(base, {}).token).toEqual({ kind: "stored" });
    expect(() => source(["--token", "t", "--token-file", "f"])).toThrow(/exclude each other/);
  });

  it("name what a browser and an editor open, from the command line or the environment, and never by guess", () => {
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

  it("refuse what cannot work before anything starts", () => {
    expect(() => parseHostOptions([], {})).toThrow(/which gateway/);
    expect(() => parseHostOptions(["--gateway", "ftp://x"], {})).toThrow(/https or http/);
    expect(() => parseHostOptions([...base, "--name", "Bad Name"], {})).toThrow(/a-z/);
    expect(() => parseHostOptions([...base, "--frobnicate"], {})).toThrow(/frobnicate/);
    expect(() => parseHostOptions([...base, "stray"], {})).toThrow();
    expect(() => parseHostOptions(["--gateway", "http://gw.example"], {})).toThrow(/plain http/);
    expect(parseHostOptions(["--gateway", "http://gw.example", "--allow-plain-http"], {}).gateway).toBe(
      "http://gw.example",
    );
  });
});
