import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { Person } from "../../support/cli.ts";

let person: Person;
let path: string;
beforeEach(() => {
  person = new Person();
  path = join(person.home, ".config", "sallyport", "config.json");
});
afterEach(() => {
  person.close();
});

function configure(value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
}

describe("the configuration file", () => {
  test("stands behind the environment, which stands behind the command line", async () => {
    configure({ options: { gateway: "https://file.example" } });
    // What is not signed in at names the gateway that was meant.
    const meant = async (args: string[], env: Record<string, string> = {}) =>
      /at (https:\S+?):/.exec((await person.run(args, "", env)).stderr)?.[1];
    expect(await meant(["list"])).toBe("https://file.example");
    expect(await meant(["list"], { SALLYPORT_GATEWAY: "https://env.example" })).toBe("https://env.example");
    const args = ["list", "--gateway", "https://flag.example"];
    expect(await meant(args, { SALLYPORT_GATEWAY: "https://env.example" })).toBe("https://flag.example");
  });

  test("is shown with where each value comes from", async () => {
    configure({ options: { gateway: "https://file.example" }, commands: { host: { name: "devbox" } } });
    const env = { SALLYPORT_STATE: "/state", SALLYPORT_PROXY: "http://ada:secret@proxy.example:1" };
    const { code, stdout } = await person.run(["config", "host", "--json"], "", env);
    expect(code).toBe(0);
    const value = (option: string, text: string, source: string, from: string | null) =>
      expect.objectContaining({ command: "host", option, value: text, source, from });
    expect(JSON.parse(stdout)).toEqual({
      file: { path, exists: true },
      values: expect.arrayContaining([
        value("name", "devbox", "configuration file", `commands.host.name in ${path}`),
        value("gateway", "https://file.example", "configuration file", `options.gateway in ${path}`),
        value("state", "/state", "environment", "SALLYPORT_STATE"),
        value("proxy", "http://…@proxy.example:1", "environment", "SALLYPORT_PROXY"),
      ]),
    });
    const all = await person.run(["config"], "", env);
    expect(all.stdout).toMatch(/^host +name +devbox +commands\.host\.name in /m);
    expect(all.stderr).toBe(`Configuration file: ${path}\n`);
  });

  test.each([
    ["{ no", /is not JSON/],
    [
      { commands: { host: { nam: "x" } } },
      /commands\.host\.nam in .*: `sallyport host` has no option --nam\./,
    ],
    [{ commands: { hots: {} } }, /commands\.hots in .*: there is no such command\./],
    [
      { commands: { doctor: { transport: "fast" } } },
      /commands\.doctor\.transport in .* must be one of auto/,
    ],
    [{ options: { proxy: "http://ada:secret@p:1" } }, /options\.proxy in .*: .*SALLYPORT_PROXY_FILE/],
    [{ commands: { host: { token: newAccessToken() } } }, /holds a token/],
  ])("%j is refused in one line that names the file", async (value, message) => {
    configure(value);
    const { code, stdout, stderr } = await person.run(["config"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^sallyport: config: .*config\.json.*\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/secret|spt_[0-9A-Za-z]/);
  });

  test.skipIf(process.platform === "win32")("never counts as missing where it cannot be read", async () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    symlinkSync(path, path);
    const { code, stderr } = await person.run(["list"]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `sallyport: config: ${path} cannot be read (ELOOP).\n`,
    });
  });

  test.skipIf(process.platform === "win32")("is not read where other users can change it", async () => {
    configure({});
    chmodSync(path, 0o666);
    expect((await person.run(["list"])).stderr).toMatch(
      /^sallyport: config: .* can be changed by other users/,
    );
    // Neither of these reads it.
    expect((await person.run(["version"])).code).toBe(0);
    expect((await person.run(["help", "list"])).code).toBe(0);
  });
});
