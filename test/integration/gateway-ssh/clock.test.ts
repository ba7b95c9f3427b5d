// Workspaces whose clock is wrong, as on a machine after a sleep or in a container without NTP.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLI } from "../../../scripts/repository.ts";
import { finished, SshStack, type TestAccount, type TestHost } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";
import { PATIENT } from "./admission-limits.ts";

const MINUTE = 60_000;

let stack: SshStack;
let ada: TestAccount;
let id: string;

beforeAll(async () => {
  stack = await SshStack.start({ limits: { admission: PATIENT } });
  ada = await stack.account("ada");
  id = await stack.keyOf(ada, "id");
});
afterAll(() => stack.close());

/** The clock of everything in this process. */
function withClock(ahead: number): string[] {
  const shift = `const D = Date; globalThis.Date = class extends D {
    constructor(...a) { if (a.length === 0) super(D.now() + ${ahead}); else super(...a); }
    static now() { return D.now() + ${ahead}; }
  };`;
  return ["--import", `data:text/javascript,${encodeURIComponent(shift)}`];
}

/** What `sallyport doctor` says about the workspace, on a machine with the right time. */
async function doctor(workspace: string): Promise<string> {
  const { env } = process;
  const child = spawn(process.execPath, [CLI, "doctor", workspace], {
    env: {
      PATH: env.PATH,
      HOME: stack.path("home"),
      SALLYPORT_KEYCHAIN: "off",
      SALLYPORT_TOKEN: ada.token,
      SALLYPORT_GATEWAY: stack.gateway.httpUrl,
    },
  });
  return (await finished(child)).stdout;
}

// Half a minute beside the whole one, since the way there and whole seconds move what is measured a little, either way.
describe.each([
  ["behind", -10.5 * MINUTE, /10m\d+s behind/],
  ["ahead", (26 * 60 + 0.5) * MINUTE, /1d2h\d+s ahead of/],
])("a clock that is %s", (name, ahead, words) => {
  let host: TestHost;
  beforeAll(async () => {
    host = await stack.host(ada, name, [], withClock(ahead));
  });
  afterAll(() => host.stop());

  test("keeps nobody out, by key or by owner token", async () => {
    expect(await stack.ssh(["-i", id, `${name}@gw`, "echo in"])).toMatchObject({ stdout: "in\n", code: 0 });
    const { token } = await stack.ownerToken(ada, name);
    const byToken = await stack.ssh([`${name}@gw`, "echo in"], { answers: [token] });
    expect(byToken).toMatchObject({ stdout: "in\n", code: 0 });
  });

  test("is named in the host's log, in the list, and by doctor", async () => {
    const named = await until(() => host.log.find((line) => /this machine's clock/.test(line)));
    expect(named).toMatch(words);
    const response = await fetch(`${stack.gateway.httpUrl}/api/v1/workspaces/${name}`, {
      headers: { authorization: `Bearer ${ada.token}` },
    });
    const body: unknown = await response.json();
    const clockAhead =
      typeof body === "object" && body !== null && "clockAhead" in body ? body.clockAhead : 0;
    expect(Math.abs(Number(clockAhead) - ahead / 1000)).toBeLessThan(20);
    expect(await doctor(name)).toMatch(words);
  });
});

test("a clock that is right is not mentioned", async () => {
  const host = await stack.host(ada, "right");
  const response = await fetch(`${stack.gateway.httpUrl}/api/v1/workspaces/right`, {
    headers: { authorization: `Bearer ${ada.token}` },
  });
  expect(await response.json()).not.toHaveProperty("clockAhead");
  expect(host.log.join("\n")).not.toContain("clock");
  await host.stop();
});

test("a key that has expired by the machine's own clock is not accepted again by the gateway's clock", async () => {
  const file = stack.path("authorized_keys");
  const [stamp = ""] = new Date(Date.now() + 30 * MINUTE).toISOString().replace(/[-:T]/g, "").split(".");
  writeFileSync(file, `expiry-time="${stamp}Z" ${readFileSync(`${id}.pub`, "utf8")}`);
  const args = ["--authorized-keys", file];
  const host = await stack.host(ada, "expiring", args, withClock(60 * MINUTE));
  const refused = await stack.ssh(["-i", id, "expiring@gw", "echo in"]);
  expect(refused).toMatchObject({ stdout: "" });
  expect(refused.code).not.toBe(0);
  await host.stop();
  // The same line on a machine with the right time shows that the clock made the difference.
  const right = await stack.host(ada, "not-expiring", args);
  expect((await stack.ssh(["-i", id, "not-expiring@gw", "echo in"])).stdout).toBe("in\n");
  await right.stop();
});
