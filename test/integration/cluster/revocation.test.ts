// A revocation closes what it concerns on both workers, for any opener and any credential, even
// where the host that serves it has cut its control connection, so that there is no link.

import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { CutProxy } from "../../support/cut-proxy.ts";
import { echo } from "../../support/link.ts";
import type { TestHost } from "../../support/test-host.ts";
import { Workers } from "./harness.ts";

const EACH = 3;

let workers: Workers;
let way: CutProxy;
let made = 0;
beforeAll(async () => {
  workers = await Workers.start();
});
beforeEach(async () => {
  way = await CutProxy.start(Number(new URL(workers.url).port));
});
afterEach(async () => {
  await workers.endTunnels();
  await way.close();
});
afterAll(() => workers?.close());

interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly tokenId: string;
}

async function person(scopes: readonly string[]): Promise<Person> {
  const name = `p${made++}`;
  const account = await created("accounts", { name });
  const { token, info } = await created(`accounts/${account.id}/tokens`, { title: "test", scopes });
  return { id: String(account.id), name, token: String(token), tokenId: String(Object(info).id) };
}

async function created(path: string, body: unknown, token?: string): Promise<Record<string, unknown>> {
  const response = await workers.call("POST", path, body, token);
  expect(response.status).toBe(201);
  return Object(await response.json());
}

/**
 * A workspace of `owner`'s, shared with `guest`, and tunnels to it on both workers, of both and by owner
 * token.
 */
async function opened(owner: Person, guest: Person): Promise<{ host: TestHost; tunnels: WebSocket[] }> {
  const name = `w${made++}`;
  const host = await workers.host(name, { token: owner.token, gateway: way.url });
  await created(`workspaces/${name}/shares`, { account: guest.name }, owner.token);
  const accepted = await workers.call("POST", `shares/${host.id}/accept`, undefined, guest.token);
  expect(accepted.status).toBe(204);
  const minted = await created(`workspaces/${name}/owner-tokens`, { expiresIn: 600 }, owner.token);
  const tunnels: WebSocket[] = [];
  for (const [ref, token] of [
    [name, owner.token],
    [`${name}.${owner.name}`, guest.token],
    [`${name}.${owner.name}`, String(minted.token)],
  ] as const) {
    const before = openings(host.id).length;
    for (let i = 0; i < EACH; i++) {
      tunnels.push(await workers.tunnel(ref, token));
      await workers.skipTurn();
      tunnels.push(await workers.tunnel(ref, token));
    }
    await expect.poll(() => openings(host.id).length).toBe(before + 2 * EACH);
  }
  for (const tunnel of tunnels) expect(await echo(tunnel, "open")).toBe("open");
  // Otherwise the test would not cover both workers.
  expect(new Set(openings(host.id).map(({ worker }) => worker))).toEqual(new Set([0, 1]));
  return { host, tunnels };
}

const openings = (id: string) =>
  workers.log().filter((line) => line.audit === "tunnel.opened" && line.workspace === id);

async function cutControl(host: TestHost): Promise<void> {
  way.refusing = true;
  way.resetOldest();
  await expect
    .poll(() => workers.log().filter((line) => line.audit === "link.closed" && line.workspace === host.id))
    .toHaveLength(1);
}

/** The close code of each, or "still open". */
async function closedWith(tunnels: readonly WebSocket[]): Promise<unknown[]> {
  return await Promise.all(
    tunnels.map(async (tunnel) => {
      tunnel.resume();
      if (tunnel.readyState === tunnel.CLOSED) return "closed before";
      const signal = AbortSignal.timeout(20_000);
      return await once(tunnel, "close", { signal }).then(
        ([code]) => code as unknown,
        () => "still open",
      );
    }),
  );
}

const REFUSED = Array.from({ length: 6 * EACH }, () => 4002);

describe.each([
  { control: "open", cut: async () => undefined },
  { control: "cut by the host", cut: cutControl },
])("with the control connection $control", ({ cut }) => {
  test("disabling an account ends every tunnel to its workspaces", async () => {
    const [owner, guest] = [
      await person(["host", "connect", "account"]),
      await person(["connect", "account"]),
    ];
    const { host, tunnels } = await opened(owner, guest);
    await cut(host);
    const closed = closedWith(tunnels);
    expect((await workers.call("PATCH", `accounts/${owner.id}`, { disabled: true })).status).toBe(200);
    expect(await closed).toEqual(REFUSED);
  });

  test("revoking the host's token ends every tunnel that it brought", async () => {
    const [owner, guest] = [
      await person(["host", "connect", "account"]),
      await person(["connect", "account"]),
    ];
    const own = await created(
      `accounts/${owner.id}/tokens`,
      { title: "others", scopes: ["connect", "account"] },
      undefined,
    );
    const { host, tunnels } = await opened(owner, guest);
    await cut(host);
    const closed = closedWith(tunnels);
    const response = await workers.call("DELETE", `tokens/${owner.tokenId}`, undefined, String(own.token));
    expect(response.status).toBe(204);
    expect(await closed).toEqual(REFUSED);
  });
});

test("connections that other credentials allow go on", async () => {
  const [owner, guest] = [
    await person(["host", "connect", "account"]),
    await person(["connect", "host", "account"]),
  ];
  const { tunnels } = await opened(owner, guest);
  const theirs = await workers.host("theirs", { token: guest.token });
  const tunnel = await workers.tunnel("theirs", guest.token);
  const closed = closedWith(tunnels);
  await workers.call("PATCH", `accounts/${owner.id}`, { disabled: true });
  expect(await closed).toEqual(REFUSED);
  expect(await echo(tunnel, "not concerned")).toBe("not concerned");
  await theirs.stop();
});
