// What `sallyport host install-service` does not do.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Finished } from "../../support/cli.ts";
import { TestStack } from "../../support/link.ts";
import { canBeSomebody, ServiceWorld } from "./service-world.ts";

let stack: TestStack;
let world: ServiceWorld;
beforeAll(async () => {
  stack = await TestStack.start();
});
afterAll(() => stack.close());
beforeEach(async () => {
  world = await ServiceWorld.start(stack);
});
afterEach(() => world.close());

describe.skipIf(!canBeSomebody)("a service of an account", () => {
  test("is not written without a yes", async () => {
    const { code, stderr } = await world.host([
      "install-service",
      "--gateway",
      stack.url,
      "--token-file",
      world.tokenFile,
    ]);
    expect({ code, said: stderr.split("\n").at(-2) }).toEqual({
      code: 1,
      said: "sallyport: config: There is nobody to ask here: pass --yes to agree to this.",
    });
    expect(world.filesAtHome()).toEqual(["my $token"]);
    expect(world.calls().join()).not.toMatch(/reload|enable|restart/);
  });

  test.each<readonly [string, () => Promise<Finished>, RegExp]>([
    ["--token", () => world.install(["--token", "spt_x"]), /takes no --token.*--token-file FILE/],
    [
      "a token in the environment",
      () => world.install([], { SALLYPORT_TOKEN: world.token }),
      /does not see SALLYPORT_TOKEN/,
    ],
    ["no sign-in", () => world.install(), /You are not signed in/],
    [
      "a proxy's password in the environment",
      () => world.install(["--token-file", world.tokenFile], { SALLYPORT_PROXY: "http://u:secret@proxy:1" }),
      /SALLYPORT_PROXY: A proxy's user name and password can be seen/,
    ],
    [
      "a token file that others can read",
      () => {
        writeFileSync(join(world.home, "loose"), world.token, { mode: 0o644 });
        return world.install(["--token-file", "loose"]);
      },
      /open to other users: run `chmod 600 /,
    ],
    [
      "a token file without a token",
      () => {
        writeFileSync(join(world.home, "wrong"), "secret", { mode: 0o600 });
        return world.install(["--token-file", "wrong"]);
      },
      /does not hold an access token/,
    ],
    [
      "what the host would refuse",
      () => world.install(["--token-file", world.tokenFile, "--no-account-keys"]),
      /--no-account-keys leaves nobody/,
    ],
    [
      "--user",
      () => world.install(["--token-file", world.tokenFile, "--user", "root"]),
      /--user is for services of the/,
    ],
    [
      "--system",
      () => world.install(["--token-file", world.tokenFile, "--system"]),
      /root's to change: run .* with sudo/,
    ],
  ])("refuses %s, and writes nothing", async (_, attempt, message) => {
    const { code, stderr } = await attempt();
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("secret");
    expect(existsSync(world.unitFile)).toBe(false);
  });

  test("leaves a unit alone that somebody else wrote", async () => {
    mkdirSync(join(world.unitFile, ".."), { recursive: true });
    writeFileSync(world.unitFile, "[Service]\nExecStart=/bin/true\n");
    for (const attempt of [
      world.install(["--token-file", world.tokenFile]),
      world.host(["uninstall-service", "--yes"]),
    ]) {
      expect((await attempt).stderr).toContain("was not written by `sallyport host install-service`");
    }
    expect(readFileSync(world.unitFile, "utf8")).toBe("[Service]\nExecStart=/bin/true\n");
  });
});
