import { lstatSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allDefinitions, COMMANDS } from "../../../agent/cli/commands.ts";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { Person } from "../../support/cli.ts";

let person: Person;
beforeAll(() => {
  person = new Person();
});
afterAll(() => {
  person.close();
});

describe("the sallyport program", () => {
  test.each(Object.keys(COMMANDS))("%s explains itself with an example", async (name) => {
    const asked = await person.run([name, "--help"]);
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    expect(asked.stdout).toMatch(new RegExp(`^Usage: sallyport ${name}\\b`));
    expect(asked.stdout).toMatch(/^Examples?\b/m);
    expect((await person.run(["help", name])).stdout.trim()).toBe(asked.stdout.trim());
  });

  test("lists every command in its help, on stdout where it was asked for", async () => {
    const { code, stdout } = await person.run(["--help"]);
    expect(code).toBe(0);
    for (const { name, summary } of await allDefinitions())
      expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}`, "m"));
    expect(await person.run([])).toMatchObject({ code: 2, stdout: "", stderr: stdout });
  });

  test("takes an unknown command for wrong usage and guesses what was meant", async () => {
    const { code, stdout, stderr } = await person.run(["tunel"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      'sallyport: There is no command "tunel". Did you mean `sallyport tunnel`?\nsee sallyport --help\n',
    );
    expect((await person.run(["toString"])).code).toBe(2);
  });

  test("tells wrong usage in one line, and where to find help", async () => {
    const { code, stderr } = await person.run(["list", "--frobnicate"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "sallyport: Unknown option: --frobnicate.\nsee sallyport list --help\n",
    });
  });

  test("tells a failure in one line, with its stage", async () => {
    const { code, stderr } = await person.run(["list"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: config: No gateway is known: .*\n$/);
  });

  test("ends without a word when nobody reads its output any more", async () => {
    const { child, finished } = person.start(["--help"]);
    child.stdout?.destroy();
    expect(await finished).toMatchObject({ code: 0, stderr: "" });
  });

  test("ends by the first signal, with the code of that signal", async () => {
    // Waits for a token on its standard input, which stays open.
    const { createServer } = await import("node:http");
    const discovery = {
      product: "sallyport",
      version: "1",
      apiVersions: [1],
      publicUrl: "http://x",
      tunnelUrl: "ws://x",
      ssh: null,
      hostKeys: [],
      subprotocols: [],
      openRegistration: false,
      capabilities: [],
    };
    let asked = () => {};
    const wasAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = createServer((_request, response) => {
      response.end(JSON.stringify(discovery), asked);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { child, finished } = person.start(["login", `http://127.0.0.1:${port}`]);
    await wasAsked;
    child.kill("SIGTERM");
    expect(await finished).toMatchObject({ code: 143, stdout: "" });
    server.closeAllConnections();
    server.close();
  });

  test("prints its version for people and for programs", async () => {
    expect((await person.run(["version"])).stdout).toMatch(/^sallyport \S+ \(Node \d+\./);
    expect((await person.run(["--version"])).stdout).toMatch(/^sallyport /);
    const facts: unknown = JSON.parse((await person.run(["version", "--json", "--verbose"])).stdout);
    expect(facts).toMatchObject({
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      native: { sshCiphers: expect.any(Boolean), terminals: expect.any(Boolean) },
    });
  });

  test("never shows a token that was typed where it does not belong", async () => {
    const token = newAccessToken();
    for (const args of [
      ["login", "--token", token],
      ["login", token],
      ["list", token],
      ["ssh", "--x", token],
      [token],
    ]) {
      const { code, stdout, stderr } = await person.run(args);
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain(token);
    }
  });

  test("keeps its compiled code where nobody else can put some", async () => {
    await person.run(["version"]);
    const stat = lstatSync(join(person.home, ".cache", "sallyport"));
    expect(stat.mode & 0o777).toBe(0o700);
  });
});
