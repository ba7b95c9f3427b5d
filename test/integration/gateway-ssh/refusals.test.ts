// What a refused client learns: nothing without a proof, and the reason with one.

import { copyFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTokenId } from "../../../protocol/values/id.ts";
import { newOwnerToken } from "../../../protocol/values/token.ts";
import { SshStack, type TestAccount } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";
import { PATIENT } from "./admission-limits.ts";

let stack: SshStack;
let ada: TestAccount;
let id: string;
let stranger: string;

beforeAll(async () => {
  stack = await SshStack.start({ limits: { admission: PATIENT } });
  ada = await stack.account("ada");
  id = await stack.keyOf(ada, "id");
  stranger = stack.key("stranger");
  await stack.host(ada, "dev");
  await (await stack.host(ada, "away")).stop();
});
afterAll(() => stack.close());

/** What ssh says and how long it takes to be refused once, without the user's name in it. */
async function refusal(user: string, args: readonly string[], answers?: readonly string[]) {
  const started = performance.now();
  const result = await stack.ssh([...args, "-o", "NumberOfPasswordPrompts=1", "-l", user, "gw", "true"], {
    ...(answers === undefined ? {} : { answers }),
  });
  expect(result.code).toBe(255);
  return { said: result.stderr.replaceAll(user, "USER"), ms: performance.now() - started };
}

test("an unknown workspace, an unknown key and a wrong token look the same", async () => {
  const keyboard = ["-o", "PreferredAuthentications=keyboard-interactive"];
  const wrong = newOwnerToken();
  const ways: Record<string, () => ReturnType<typeof refusal>> = {
    "an unknown key for a workspace": () => refusal("dev", ["-i", stranger]),
    "an unknown key for no workspace": () => refusal("none", ["-i", stranger]),
    "an unknown key for an offline workspace": () => refusal("away", ["-i", stranger]),
    "a wrong token for a workspace": () => refusal("dev", keyboard, [wrong]),
    "a wrong token for no workspace": () => refusal("none", keyboard, [wrong]),
    "no token at all for a workspace": () => refusal("dev", keyboard, ["dev"]),
    "a wrong token in the name of a workspace": () => refusal(`dev#${wrong}`, []),
    "a wrong token in the name of none": () => refusal(`none#${wrong}`, []),
  };
  const said = new Set<string>();
  const times: Record<string, number> = {};
  for (const [way, tryIt] of Object.entries(ways)) {
    const { said: words, ms } = await tryIt();
    said.add(words);
    times[way] = ms;
  }
  expect([...said]).toEqual([
    "USER@127.0.0.1: Permission denied (publickey,keyboard-interactive,password).\r\n",
  ]);
  // There is a minimum time: the look-up alone takes a few milliseconds. That it is the same for all is
  // tested with a fake clock (test/unit/gateway/ssh/sign-in/authentication.test.ts).
  expect(times["a wrong token in the name of none"]).toBeGreaterThan(100);
});

test("each refused proof leaves a line in the audit log, without a secret", async () => {
  const before = (await stack.audit("ssh.sign-in.refused")).length;
  const token = newOwnerToken();
  await stack.ssh(["-l", `dev#${token}`, "gw", "true"]);
  const lines = (await stack.audit("ssh.sign-in.refused")).slice(before);
  expect(lines).toEqual([
    expect.objectContaining({ code: "token_unknown", address: "127.0.0.1", detail: "none", token: null }),
  ]);
  expect(stack.logLines.join("\n")).not.toContain(token);
});

describe("with a proof", () => {
  test("a client that asks for an offline workspace is told so", async () => {
    const { stderr, code } = await stack.ssh(["-i", id, "away@gw", "true"]);
    expect(code).toBe(255);
    expect(stderr).toContain("The workspace away is offline");
    const { token } = await stack.ownerToken(ada, "away");
    expect((await stack.ssh(["-l", `away#${token}`, "gw", "true"])).stderr).toContain("is offline");
  });

  test("the holder of a token that has expired or was revoked is told so", async () => {
    const { token, info } = await stack.ownerToken(ada, "dev");
    const { store } = stack.gateway;
    await store.ownerTokens.revoke(await stack.owned(ada, "dev"), parseTokenId(info.id), { account: "ada" });
    expect((await stack.ssh(["-l", `dev#${token}`, "gw", "true"])).stderr).toContain("was revoked");
    const short = await stack.ownerToken(ada, "dev", 1);
    await until(() => Date.now() > Date.parse(short.info.expiresAt));
    expect((await stack.ssh(["-l", `dev#${short.token}`, "gw", "true"])).stderr).toContain("expired at");
  });

  test("the holder of a token for a different workspace is told so", async () => {
    const { token } = await stack.ownerToken(ada, "dev");
    const { stderr, code } = await stack.ssh(["-l", `away#${token}`, "gw", "true"]);
    expect(code).toBe(255);
    expect(stderr).toContain("is for a different workspace");
  });

  test("the owner of a disabled account is told so, and nobody else", async () => {
    const eve = await stack.account("eve");
    const key = await stack.keyOf(eve, "eve");
    await stack.gateway.store.accounts.setDisabled(eve.id, true, { account: "admin" });
    const told = await stack.ssh(["-i", key, "dev@gw", "true"]);
    expect(told.code).toBe(255);
    expect(told.stderr).toContain("The account eve is disabled");
    copyFileSync(`${key}.pub`, stack.path("half.pub"));
    const asked = await stack.ssh(["-i", stack.path("half.pub"), "dev@gw", "true"]);
    expect(asked.stderr).not.toContain("disabled");
  });
});
