// Connections that end while they are in use, because the credential that allowed them is revoked or the
// gateway stops.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKeyId, parseTokenId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { finished, SshStack, type TestAccount, type TestHost } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";

let stack: SshStack;
let ada: TestAccount;
let id: string;
let host: TestHost;

beforeEach(async () => {
  stack = await SshStack.start();
  ada = await stack.account("ada");
  id = await stack.keyOf(ada, "id");
  host = await stack.host(ada, "dev");
  stack.configure(["Host *", `  IdentityFile ${id}`]);
});
afterEach(() => stack.close());

const admin = { account: "admin" };

/** Starts a session that prints `up` and stays open. */
async function session(args: readonly string[]) {
  const child = stack.start([...args, "echo up; exec sleep 60"]);
  let said = "";
  child.stdout?.on("data", (data: Buffer) => {
    said += data.toString();
  });
  const end = finished(child);
  const early = await Promise.race([until(() => said.includes("up")), end]);
  expect(early).toBe(true);
  // In an object, since an async function would wait for a promise that it returns.
  return { ended: end };
}

describe("a session and a jump end at once, and are told why, when", () => {
  test("the account is disabled", async () => {
    const { ended: direct } = await session(["dev@gw"]);
    const { ended: jump } = await session(["-J", "gw", "dev"]);
    await stack.gateway.store.accounts.setDisabled(ada.id, true, admin);
    expect(await direct).toMatchObject({ code: 255 });
    expect((await direct).stderr).toContain("the account was disabled");
    expect(await jump).toMatchObject({ code: 255 });
  });

  test("the key is removed", async () => {
    const { ended: direct } = await session(["dev@gw"]);
    const { ended: jump } = await session(["-J", "gw", "dev"]);
    const [key] = await stack.gateway.store.keys.list(ada.id);
    await stack.gateway.store.keys.remove(ada.id, parseKeyId(key?.id), admin);
    expect((await direct).stderr).toContain("the key was removed");
    expect(await jump).toMatchObject({ code: 255 });
  });

  test("the workspace is deleted", async () => {
    const { ended: direct } = await session(["dev@gw"]);
    const { ended: jump } = await session(["-J", "gw", "dev"]);
    await stack.gateway.store.workspaces.remove(await stack.owned(ada, "dev"), admin);
    expect((await direct).stderr).toContain("the workspace was deleted");
    expect(await jump).toMatchObject({ code: 255 });
  });

  test("the workspace is no longer shared", async () => {
    const bob = await stack.account("bob");
    const key = await stack.keyOf(bob, "bob");
    const owned = await stack.owned(ada, "dev");
    await acceptedShare(stack.gateway.store, owned, "bob");
    await session(["dev@gw"]);
    stack.configure(["Host *", `  IdentityFile ${key}`]);
    const { ended: direct } = await session(["dev.ada@gw"]);
    const { ended: jump } = await session(["-J", "gw", host.id]);
    await stack.gateway.store.shares.remove(owned, parseName("bob"), admin);
    expect((await direct).stderr).toContain("the workspace is no longer shared");
    expect(await jump).toMatchObject({ code: 255 });
    // The owner's session is still open.
    const closed = await until(async () => {
      const lines = await stack.audit("ssh.closed");
      return lines.length >= 2 && lines;
    });
    expect(closed.map(({ account }) => account)).toEqual(["bob", "bob"]);
  });
});

test("other people's connections to an account's workspace end when that account is disabled", async () => {
  const bob = await stack.account("bob");
  const key = await stack.keyOf(bob, "bob");
  const owned = await stack.owned(ada, "dev");
  await acceptedShare(stack.gateway.store, owned, "bob");
  const { token } = await stack.ownerToken(ada, "dev");
  stack.configure(["Host *", `  IdentityFile ${key}`]);
  const { ended: direct } = await session(["dev.ada@gw"]);
  const { ended: jump } = await session(["-J", "gw", host.id]);
  const { ended: byToken } = await session(["-l", `dev#${token}`, "-o", "IdentityFile=none", "gw"]);
  await stack.gateway.store.accounts.setDisabled(ada.id, true, admin);
  expect((await direct).stderr).toContain("the workspace's account was disabled");
  expect((await byToken).stderr).toContain("the workspace's account was disabled");
  expect(await jump).toMatchObject({ code: 255 });
});

test("a session by owner token ends when the token is revoked, and when it expires", async () => {
  const { token, info } = await stack.ownerToken(ada, "dev");
  const { ended: revoked } = await session(["-l", `dev#${token}`, "-o", "IdentityFile=none", "gw"]);
  const owned = await stack.owned(ada, "dev");
  await stack.gateway.store.ownerTokens.revoke(owned, parseTokenId(info.id), admin);
  expect((await revoked).stderr).toContain("the token was revoked");
  const short = await stack.ownerToken(ada, "dev", 15);
  const { ended: expired } = await session(["-l", `dev#${short.token}`, "-o", "IdentityFile=none", "gw"]);
  expect((await expired).stderr).toContain("The owner token has expired.");
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(short.info.expiresAt));
});

test("clients are told that the gateway stops, and it stops in time", async () => {
  const { ended: direct } = await session(["dev@gw"]);
  const { ended: jump } = await session(["-J", "gw", "dev"]);
  const waiting = await stack.connect();
  await until(() => waiting.text.startsWith("SSH-2.0-"));
  const started = Date.now();
  await stack.gateway.close();
  expect(Date.now() - started).toBeLessThan(10_000);
  expect((await direct).stderr).toContain("The gateway is about to stop");
  expect(await jump).toMatchObject({ code: 255 });
  await waiting.closed;
});

test("every connection has a line in the audit log when it has ended", async () => {
  const { ended: direct } = await session(["dev@gw"]);
  const { ended: jump } = await session(["-J", "gw", "dev"]);
  await host.stop();
  expect(await direct).toMatchObject({ code: 255 });
  expect(await jump).toMatchObject({ code: 255 });
  const closed = await until(async () => {
    const lines = await stack.audit("ssh.closed");
    return lines.length === 2 && lines;
  });
  expect(closed.map((line) => line.account)).toEqual(["ada", "ada"]);
});
