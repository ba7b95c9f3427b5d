// Connects to the first of a host's addresses that answers (RFC 8305). Attempts start one after the other, and an earlier one
// goes on while the next is tried. Node's own version abandons each attempt after a quarter of a second, which is less than a
// round trip on some networks.

import { type LookupAddress, lookup } from "node:dns";
import { connect, isIP, type Socket } from "node:net";

/** RFC 8305 §8: from one attempt to the next. A dead address costs this much. */
export const ATTEMPT_DELAY_MS = 250;
/** The first addresses of a name are enough. */
const MAX_ADDRESSES = 8;

/** Looks a name up; tests replace it. */
export type LookUp = (
  host: string,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

const lookUpAll: LookUp = (host, done) => lookup(host, { all: true }, done);

export interface ConnectOptions {
  readonly allowHalfOpen?: boolean;
  readonly lookUp?: LookUp;
}

/** `connectFirst` for a name or an address; calls `fail` also where the name has no address. Every error has a message. */
export function connectByName(
  host: string,
  port: number,
  done: (socket: Socket) => void,
  fail: (error: Error) => void,
  options: ConnectOptions = {},
): () => void {
  const family = isIP(host);
  if (family !== 0) return connectFirst([{ address: host, family }], port, done, fail, options);
  let isOver = false;
  let giveUp = (): void => {};
  (options.lookUp ?? lookUpAll)(host, (error, addresses) => {
    if (isOver) return;
    if (error !== null) fail(error);
    else if (addresses.length === 0) fail(new Error(`${host} has no address`));
    else giveUp = connectFirst(addresses, port, done, fail, options);
  });
  return () => {
    isOver = true;
    giveUp();
  };
}

/**
 * Calls `done` with the first socket that connects, or `fail` once all attempts have failed. Returns a function that cancels
 * all attempts.
 * @param addresses at least one
 */
export function connectFirst(
  addresses: readonly LookupAddress[],
  port: number,
  done: (socket: Socket) => void,
  fail: (error: Error) => void,
  { allowHalfOpen = false }: ConnectOptions = {},
): () => void {
  const waiting = interleaved(addresses).slice(0, MAX_ADDRESSES);
  const errors: Error[] = [];
  const open = new Set<Socket>();
  let timer: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    clearTimeout(timer);
    for (const socket of open) socket.destroy();
    open.clear();
  };
  const next = (): void => {
    clearTimeout(timer);
    const address = waiting.shift();
    if (address === undefined) return;
    const socket = connect({ host: address.address, port, family: address.family, allowHalfOpen });
    open.add(socket);
    socket.once("connect", () => {
      open.delete(socket);
      socket.removeAllListeners();
      giveUp();
      done(socket);
    });
    socket.on("error", (error) => {
      if (!open.delete(socket)) return;
      errors.push(error);
      if (waiting.length > 0) next();
      else if (open.size === 0) fail(errors.length === 1 ? error : new AggregateError(errors, error.message));
    });
    if (waiting.length > 0) timer = setTimeout(next, ATTEMPT_DELAY_MS);
  };
  next();
  return giveUp;
}

/** Alternates between the address families, beginning with the one that the system prefers (RFC 8305 §4). Pure. */
function interleaved(addresses: readonly LookupAddress[]): LookupAddress[] {
  const preferred = addresses[0]?.family;
  const first = addresses.filter(({ family }) => family === preferred);
  const second = addresses.filter(({ family }) => family !== preferred);
  return Array.from({ length: Math.max(first.length, second.length) })
    .flatMap((_, index) => [first[index], second[index]])
    .filter((address) => address !== undefined);
}
