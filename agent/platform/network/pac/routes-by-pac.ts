// Lets a proxy script choose the routes, and remembers its choice for a minute, since a host dials once per stream.

import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { CommandError } from "../../command-error.ts";
import type { Network } from "../network.ts";
import type { Endpoint, Route } from "../route.ts";
import { findProxy } from "./find-proxy.ts";
import { parsePacAnswer } from "./pac-answer.ts";
import { readPacSource } from "./pac-source.ts";

const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 32;
const LOOKUP_TIMEOUT_MS = 2_000;

const remembered = new Map<string, { readonly at: number; readonly routes: readonly Route[] }>();

/** @throws CommandError stage `proxy`: `pac_unreadable`, `pac_failed`; the signal's reason */
export async function routesByPac(
  source: string,
  from: string,
  { host, port, secure }: Endpoint,
  network: Network,
  signal: AbortSignal,
): Promise<readonly Route[]> {
  const { href: target } = new URL(
    `${secure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}/`,
  );
  const key = JSON.stringify([source, target]);
  const known = remembered.get(key);
  if (known !== undefined && performance.now() - known.at < REMEMBERED_MS) return known.routes;
  const script = await readPacSource(source, from, network, signal);
  const answer = await findProxy(script, target, host, { lookUp, ownAddress: ownAddress() }, signal);
  const routes = parsePacAnswer(answer, `the script of ${from}`);
  if (routes.length === 0) {
    const message = `The proxy script that ${from} names gave no proxy for ${host}, nor DIRECT.`;
    throw new CommandError("proxy", "pac_failed", message);
  }
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(key, { at: performance.now(), routes });
  return routes;
}

async function lookUp(name: string): Promise<string | undefined> {
  const timeout = new Promise<undefined>((resolve) => {
    setTimeout(() => resolve(undefined), LOOKUP_TIMEOUT_MS).unref();
  });
  // Scripts ask whether a name resolves: "no" is an answer, too.
  const found = lookup(name, { family: 4 }).then(
    ({ address }) => address,
    () => undefined,
  );
  return await Promise.race([found, timeout]);
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}
