// `sallyport login` as a person runs it, with a program that stands in for their browser.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeAuthorizationServer } from "../../support/fake-authorization-server.ts";
import { until } from "../../support/until.ts";
import { PersonWithBrowser } from "./person.ts";

let server: FakeAuthorizationServer;
let person: PersonWithBrowser;
beforeEach(async () => {
  server = await FakeAuthorizationServer.start();
  person = new PersonWithBrowser();
});
afterEach(async () => {
  person.close();
  await server.close();
});

describe("by the browser", () => {
  test("signs in, keeps the sign-in in a private file, and can use it", async () => {
    const { code, stdout, stderr } = await person.run(["login", server.url], "", person.browser());
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Signed in at ${server.url} as ada.\nScopes: connect, account, host\nIt is renewed by itself; \`sallyport logout\` ends it.\n`,
    });
    expect(stderr).toContain(`${server.url}/oauth/authorize?`);
    expect(stderr).toMatch(/The sign-in is kept in .*, readable by you only/);
    expect(person.stored().renewal).toMatchObject({ client: "sallyport-cli", signIn: server.signIns[0]?.id });
    expect(await person.list()).toMatchObject({ code: 0, stdout: '{"workspaces":[]}\n' });
  });

  test("shows nothing secret: neither in the URL, nor in the browser's environment, nor on the terminal", async () => {
    const env = {
      ...person.browser(),
      SALLYPORT_PROXY: "none",
      SALLYPORT_TOKEN_FILE: "",
      SALLYPORT_DEBUG: "1",
    };
    const { stdout, stderr } = await person.run(["login", server.url, "--browser", "--verbose"], "", env);
    const [url, environment] = person.opened;
    expect(environment).not.toContain("SALLYPORT_");
    expect([...new URL(url).searchParams.keys()].sort()).toEqual([
      "client_id",
      "code_challenge",
      "code_challenge_method",
      "device",
      "redirect_uri",
      "response_type",
      "scope",
      "state",
    ]);
    const { access, renewal } = person.stored();
    for (const secret of [access, renewal?.refresh ?? "?"]) {
      for (const text of [url, environment, stdout, stderr]) expect(text).not.toContain(secret);
    }
    expect(server.authorizations[0]?.get("device")).toMatch(/^sallyport \S+ on /);
  });

  test("tells programs in JSON, line by line, which page to open and what came of it", async () => {
    const args = ["login", server.url, "--browser", "--json", "--scopes", "connect,host"];
    const { stdout } = await person.run(args, "", person.browser());
    const [first, last] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(first).toEqual({ event: "browser", url: expect.stringContaining("/oauth/authorize?") });
    expect(last).toEqual({
      event: "signed-in",
      gateway: server.url,
      account: "ada",
      scopes: ["connect", "host"],
      signIn: server.signIns[0]?.id,
      tokenIn: "file",
    });
  });

  test("that is declined says so and keeps nothing", async () => {
    server.answer = "deny";
    const { code, stderr } = await person.run(["login", server.url], "", person.browser());
    expect(code).toBe(1);
    expect(stderr).toContain("sallyport: sign-in: The sign-in was declined in the browser.");
    expect(() => person.stored()).toThrow(/ENOENT/);
  });

  test("ends at Ctrl-C, with nothing kept and the port closed", async () => {
    server.answer = "wait";
    const running = person.start(["login", server.url, "--browser"], person.browser());
    await until(() => server.authorizations[0]);
    running.child.kill("SIGINT");
    expect((await running.finished).code).toBe(130);
    expect(() => person.stored()).toThrow(/ENOENT/);
    const port = new URL(server.authorizations[0]?.get("redirect_uri") ?? "");
    await expect(fetch(port)).rejects.toThrow();
  });

  test("goes on by hand where the browser cannot be started", async () => {
    const running = person.start(["login", server.url, "--browser"], { BROWSER: "/nonexistent/browser" });
    let text = "";
    running.child.stderr?.on("data", (part: string) => {
      text += part;
    });
    const url = await until(() => /^ {2}(http\S+)$/m.exec(text)?.[1]);
    expect(text).toContain("No browser could be started. Open this page on this machine:");
    await fetch(url);
    expect((await running.finished).code).toBe(0);
  });

  test("refuses an answer in the name of a different gateway, without using its code", async () => {
    server.answersAs = "https://evil.example";
    const { code, stderr } = await person.run(["login", server.url], "", person.browser());
    expect(code).toBe(1);
    expect(stderr).toContain(`sallyport: sign-in: The answer to the sign-in did not come from ${server.url}`);
    expect(server.asked).toEqual([]);
  });

  test("is not tried where the gateway calls itself by a different name", async () => {
    server.issuer = "https://gw.example";
    const { code, stderr } = await person.run(["login", server.url], "", person.browser());
    expect(code).toBe(1);
    expect(stderr).toContain(`${server.url} calls itself https://gw.example: sign in there`);
    expect(server.authorizations).toEqual([]);
  });
});

describe("by a device code", () => {
  test("waits until the person has entered the code elsewhere; without a display nobody has to ask for it", async () => {
    const running = person.start(["login", server.url, "--json"]);
    running.child.stdin?.end();
    let text = "";
    running.child.stdout?.on("data", (part: string) => {
      text += part;
    });
    const event = JSON.parse(await until(() => /^(.*)\n/.exec(text)?.[1]));
    expect(event).toMatchObject({
      event: "device-code",
      verificationUri: `${server.url}/device`,
      expiresIn: 600,
    });
    await running.seen(event.userCode);
    await until(() => server.asked.length >= 1);
    server.decide(event.userCode, true);
    expect((await running.finished).code).toBe(0);
    expect(person.stored().renewal?.signIn).toBe(server.signIns[0]?.id);
    expect((await person.list()).code).toBe(0);
  });

  test("that is declined says so", async () => {
    const running = person.start(["login", server.url, "--device"]);
    await running.seen("It can be used for 10m");
    for (const code of server.userCodes) server.decide(code, false);
    expect((await running.finished).stderr).toContain("The sign-in was declined in the browser.");
  });
});

test("where there is neither a browser nor device codes, the person reads what is left", async () => {
  server.takesDeviceCodes = false;
  const { code, stderr } = await person.run(["login", server.url]);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `sallyport: sign-in: ${server.url} takes no device codes: sign in with --browser on a machine that has one, or with --with-token.\n`,
  );
});

test("a token on standard input is taken as before, without a browser", async () => {
  const { stderr } = await person.run(["login", server.url], "spt_short", person.browser());
  expect(stderr).toMatch(/it may be cut off or mistyped/);
  expect(server.authorizations).toEqual([]);
});

describe("once signed in", () => {
  beforeEach(async () => {
    await person.run(["login", server.url], "", person.browser());
    server.asked.length = 0;
  });

  test("the token is renewed before it expires, without a question", async () => {
    const before = person.stored();
    person.expire();
    expect((await person.list()).code).toBe(0);
    expect(server.asked).toEqual(["refresh_token"]);
    expect(person.stored().renewal?.refresh).not.toBe(before.renewal?.refresh);
  });

  test("signing out ends the sign-in at the gateway and says so", async () => {
    expect((await person.run(["logout"])).stdout).toBe(
      `Signed out of ${server.url}. This machine's sign-in is ended there, with all that was open by it.\n`,
    );
    expect(server.signIns[0]?.ended).toBe(true);
    expect((await person.list({ SALLYPORT_GATEWAY: server.url })).stderr).toContain(
      "You are not signed in at",
    );
  });

  test("signing out without a network forgets it here, and says what that leaves", async () => {
    server.isDown = true;
    const { code, stdout, stderr } = await person.run(["logout"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `Signed out of ${server.url}.\n` });
    expect(stderr).toContain("The gateway could not be told");
    expect(() => person.stored()).toThrow();
  });

  test("signing out with --revoke without a network changes nothing", async () => {
    server.isDown = true;
    expect((await person.run(["logout", "--revoke"])).code).toBe(1);
    expect(person.stored().renewal).toBeDefined();
  });

  test("a sign-in that was ended elsewhere is told by `list` and by the companion alike", async () => {
    server.endAll();
    person.expire();
    const told = `sallyport: sign-in: Your sign-in at ${server.url} has ended (This sign-in was ended): run \`sallyport login ${server.url}\`.\n`;
    expect(await person.list()).toMatchObject({ code: 1, stderr: told });
    expect(await person.run(["tunnel", server.url, "devbox"])).toMatchObject({ code: 1, stderr: told });
  });
});
