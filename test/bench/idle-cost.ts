// What a registered host and an open tunnel cost the gateway while nothing happens: KiB of its resident memory each,
// over 1,000 of them. A hundred come first and are not counted: they warm up the code that all share.

import { Check } from "typebox/value";
import type { WebSocket } from "ws";
import { Account, CreatedAccessToken } from "../../protocol/api.ts";
import { callApi, type Gateway, startGateway } from "../../scripts/stack.ts";
import { openHost, openTunnel } from "./load-host.ts";
import { residentKiB } from "./process-usage.ts";

const COUNTED = 1_000;
const WARM_UP = 100;
const AT_ONCE = 10;
/** An account may have 500 workspaces. */
const ACCOUNTS = 4;

export interface IdleCost {
  readonly count: number;
  readonly gatewayKiB: number;
  readonly kibPerHost: number;
  readonly kibPerTunnel: number;
}

export async function measureIdleCost(directory: string): Promise<IdleCost> {
  const gateway = await startGateway({ directory });
  const { pid } = gateway.program;
  const sockets: WebSocket[] = [];
  try {
    const tokens = await Promise.all(
      Array.from({ length: ACCOUNTS }, (_, i) => newAccount(gateway, `load-${i}`)),
    );
    const tokenOf = (n: number) => tokens[n % ACCOUNTS] ?? "";
    const host = (n: number) => openHost(gateway.url, tokenOf(n), `idle-${n}`);
    const tunnel = (n: number) => openTunnel(gateway.url, tokenOf(n), `idle-${n}`);
    sockets.push(...(await openMany(0, WARM_UP, host)), ...(await openMany(0, WARM_UP, tunnel)));
    const empty = await settled(pid);
    sockets.push(...(await openMany(WARM_UP, WARM_UP + COUNTED, host)));
    const hosts = await settled(pid);
    sockets.push(...(await openMany(WARM_UP, WARM_UP + COUNTED, tunnel)));
    const tunnels = await settled(pid);
    const each = (kib: number) => Math.round((kib / COUNTED) * 10) / 10;
    return {
      count: COUNTED,
      gatewayKiB: empty,
      kibPerHost: each(hosts - empty),
      kibPerTunnel: each(tunnels - hosts),
    };
  } finally {
    for (const socket of sockets)
      socket
        .removeAllListeners()
        .on("error", () => {})
        .terminate();
    await gateway.program.stop();
  }
}

/** Returns a token of the new account. */
async function newAccount(gateway: Gateway, name: string): Promise<string> {
  const account: unknown = await (await callApi(gateway, "accounts", { name })).json();
  if (!Check(Account, account)) throw new Error(`no account: ${JSON.stringify(account)}`);
  const wanted = { title: "bench", scopes: ["connect", "host"] };
  const made: unknown = await (await callApi(gateway, `accounts/${account.id}/tokens`, wanted)).json();
  if (!Check(CreatedAccessToken, made)) throw new Error(`no token for ${name}`);
  return made.token;
}

async function openMany(
  from: number,
  to: number,
  open: (n: number) => Promise<WebSocket>,
): Promise<WebSocket[]> {
  const opened: WebSocket[] = [];
  for (let n = from; n < to; n += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, to - n) }, (_, i) => open(n + i));
    opened.push(...(await Promise.all(batch)));
  }
  return opened;
}

/** Resident memory once it has stayed within 0.5 % for three seconds, or after half a minute as it is. */
async function settled(pid: number): Promise<number> {
  const samples: number[] = [];
  for (let second = 0; second < 30; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    samples.push(residentKiB(pid));
    const last = samples.slice(-4);
    if (last.length === 4 && Math.max(...last) - Math.min(...last) < Math.max(...last) * 0.005) break;
  }
  return samples.at(-1) ?? 0;
}
