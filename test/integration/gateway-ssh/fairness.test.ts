// Signed-in connections that do nothing: an account may have only so many.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import ssh2, { type Client } from "ssh2";
import { afterEach, expect, test } from "vitest";
import { LONG } from "../../support/long.ts";
import { SshStack } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";
import { PATIENT } from "./admission-limits.ts";

let stack: SshStack;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await stack.close();
});

/** A client that signs in and does nothing. `isOpen` says whether it is still connected. */
async function idle(key: string): Promise<{ isOpen: () => boolean; why: () => string }> {
  const client = new ssh2.Client();
  clients.push(client);
  let [open, why] = [true, ""];
  client.on("error", (error) => {
    why = error.message;
  });
  client.once("close", () => {
    open = false;
  });
  client.connect({ host: "127.0.0.1", port: stack.port, username: "x", privateKey: readFileSync(key) });
  await once(client, "ready");
  return { isOpen: () => open, why: () => why };
}

test("of 150 by one account the last 100 stay, and everybody else is let in", LONG, async () => {
  stack = await SshStack.start({ limits: { admission: PATIENT } });
  const [ada, bob] = [await stack.account("ada"), await stack.account("bob")];
  const [key, other] = [await stack.keyOf(ada, "id"), await stack.keyOf(bob, "bob")];
  await stack.host(ada, "dev");
  const made: { isOpen: () => boolean }[] = [];
  for (let i = 0; i < 150; i++) {
    made.push(await idle(other));
    // Beyond the account's share, each new one needs one that has stalled for a second.
    if (i === 99) await until(() => made.every(({ isOpen }) => isOpen()));
  }
  await until(() => made.filter(({ isOpen }) => isOpen()).length <= 100);
  expect(await stack.ssh(["-i", key, "dev@gw", "echo in"])).toMatchObject({ stdout: "in\n", code: 0 });
});

test("a connection with a session does not count, and counts again once its session is over", async () => {
  const limits = { admission: PATIENT, idle: { total: 4, perHolder: 2, stalledMs: 0 } };
  stack = await SshStack.start({ limits });
  const ada = await stack.account("ada");
  const key = await stack.keyOf(ada, "id");
  await stack.host(ada, "dev");
  const session = stack.start(["-i", key, "dev@gw", "echo up; cat"]);
  let said = "";
  session.stdout?.on("data", (data: Buffer) => {
    said += data.toString();
  });
  await until(() => said.includes("up"));
  const [first, second] = [await idle(key), await idle(key)];
  await idle(key);
  await until(() => !first.isOpen());
  expect(first.why()).toBe("");
  expect(second.isOpen()).toBe(true);
  session.stdin?.write("still here\n");
  await until(() => said.includes("still here"));
});
