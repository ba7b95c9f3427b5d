// Ending a program's sign-in ends all that it has opened within a second: a tunnel, an event stream, and an SSH connection by
// an owner token that it has made.

import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import { OAUTH_PATHS } from "../../../protocol/sign-in/oauth.ts";
import { parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { percentile } from "../../bench/statistics.ts";
import { LONG } from "../../support/long.ts";
import { CLI, gatewayAt, postForm } from "../../support/oauth.ts";
import { finished, SshStack, type TestAccount } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";

let stack: SshStack;
let ada: TestAccount;
beforeAll(async () => {
  stack = await SshStack.start();
  ada = await stack.account("ada");
  await stack.host(ada, "dev");
});
afterAll(() => stack.close());

interface Client {
  readonly id: string;
  readonly refresh: string;
}
type Ends = Readonly<Record<"tunnel" | "events" | "ssh", number>>;

/** Milliseconds from the request that ends the sign-in until each connection has ended. */
async function endedAfter(end: (client: Client) => Promise<unknown>): Promise<Ends> {
  const url = stack.gateway.httpUrl;
  const gateway = gatewayAt(url);
  const client = await stack.gateway.store.signIns.createClient(
    {
      accountId: ada.id,
      client: CLI,
      device: "sallyport on laptop",
      method: "oauth",
      scopes: ["connect", "account"],
      address: "127.0.0.1",
    },
    { account: ada.name },
  );
  const token = client.access;
  const target = { gateway: parseGatewayUrl(url), workspace: parseWorkspaceRef("dev"), token };
  const tunnel = await dialTunnel(target, [SUBPROTOCOL.raw], AbortSignal.timeout(25_000));
  tunnel.resume();
  const events = await fetch(`${url}/api/v1/events`, { headers: { authorization: `Bearer ${token}` } });
  expect(events.status).toBe(200);
  const minted = await gateway.raw("POST", "/api/v1/workspaces/dev/owner-tokens", token, {
    body: JSON.stringify({ expiresIn: 600 }),
    headers: { "content-type": "application/json" },
  });
  expect(minted.status).toBe(201);
  const ssh = stack.start(["dev@gw", "echo up; exec sleep 60"], [minted.body.token]);
  let said = "";
  ssh.stdout?.on("data", (data: Buffer) => {
    said += data.toString();
  });
  const sshEnd = finished(ssh);
  expect(await Promise.race([until(() => said.includes("up")), sshEnd])).toBe(true);

  const start = performance.now();
  const passed = () => performance.now() - start;
  const ends = Promise.all([
    once(tunnel, "close").then(passed),
    events.text().then(passed),
    sshEnd.then(passed),
  ]);
  await end(client);
  const [tunnelMs, eventsMs, sshMs] = await ends;
  return { tunnel: tunnelMs, events: eventsMs, ssh: sshMs };
}

const byProgram = ({ refresh }: Client) =>
  postForm(gatewayAt(stack.gateway.httpUrl), OAUTH_PATHS.revoke, { client_id: CLI, token: refresh });
const byPerson = ({ id }: Client) =>
  gatewayAt(stack.gateway.httpUrl).raw("DELETE", `/api/v1/sign-ins/${id}`, ada.token);

test.each([
  ["the program signs out", byProgram],
  ["the person ends it in the list of devices", byPerson],
])("when %s", async (_when, end) => {
  for (const ms of Object.values(await endedAfter(end))) expect(ms).toBeLessThan(1_000);
});

test("and so it is a hundred times", { ...LONG, timeout: 600_000 }, async ({ annotate }) => {
  const all: Ends[] = [];
  for (let round = 0; round < 120; round++)
    all.push(await endedAfter(round % 2 === 0 ? byProgram : byPerson));
  for (const what of ["tunnel", "events", "ssh"] as const) {
    const times = all.map((ends) => ends[what]);
    const [median, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
    await annotate(`${what}: median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms of ${times.length}`);
    expect(p99).toBeLessThan(1_000);
  }
});
