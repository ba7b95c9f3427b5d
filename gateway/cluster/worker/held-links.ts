// The links that this worker holds, by the claims that other workers know them by. It carries out what
// those workers ask of a link.

import { assertNever } from "../../../protocol/assert-never.ts";
import type { ProtocolError } from "../../../protocol/errors.ts";
import type { StreamToken } from "../../../protocol/values/token.ts";
import type { Link, LinkEnd } from "../../link/link.ts";
import { NativeLink } from "../../link/native-link.ts";
import { asRefusal } from "../../refusal.ts";
import type { Channel } from "../channel.ts";
import type { LinkWish, RouteId, RouteRecord, Welcome } from "../messages.ts";
import { dialWorker } from "./dial-worker.ts";

interface Held {
  readonly id: RouteId;
  readonly link: Link;
}

export class HeldLinks {
  readonly #channel: Channel;
  readonly #welcome: Welcome;
  readonly #claims = new Map<Link, string>();
  readonly #held = new Map<string, Held>();
  #lastClaim = 0;

  constructor(channel: Channel, welcome: Welcome) {
    this.#channel = channel;
    this.#welcome = welcome;
  }

  has(claim: string): boolean {
    return this.#held.has(claim);
  }

  link(claim: string): Link | undefined {
    return this.#held.get(claim)?.link;
  }

  claimOf(link: Link): string | undefined {
    return this.#claims.get(link);
  }

  claim(id: RouteId, link: Link, more: Pick<RouteRecord, "credential" | "session">): void {
    const claim = `${this.#welcome.worker}.${++this.#lastClaim}`;
    this.#claims.set(link, claim);
    this.#held.set(claim, { id, link });
    const route = {
      id,
      claim,
      slot: this.#welcome.slot,
      since: link.since.getTime(),
      address: link.address.slice(0, 100),
      hostKeys: [...link.hostKeys],
      ...(link.clockAheadMs === undefined ? {} : { clockAhead: link.clockAheadMs }),
      ...more,
    };
    this.#channel.send({ type: "claim", route });
  }

  release(link: Link, how: LinkEnd): void {
    const claim = this.#claims.get(link);
    const held = claim === undefined ? undefined : this.#held.get(claim);
    if (claim === undefined || held === undefined) return;
    this.#claims.delete(link);
    this.#held.delete(claim);
    this.#channel.send({ type: "release", id: held.id, claim, how });
  }

  /** Does what another worker asks of a link. */
  fulfil(wish: LinkWish, claim: string, from: number): void {
    const held = this.#held.get(claim);
    if (held === undefined) return;
    const { link } = held;
    switch (wish.kind) {
      case "stream": {
        const { token, via, client, resume } = wish;
        if (link instanceof NativeLink) link.askFor(token, { via, client, resume });
        else {
          dialWorker(link.openStream({ via, client, resume }), from, token, this.#welcome.directory).catch(
            (error: unknown) => this.refused(link, from, token, asRefusal(error)),
          );
        }
        return;
      }
      case "probe":
        // Never rejects.
        void link.probe(wish.ms).then((alive) => {
          this.#channel.send({ type: "probed", to: from, request: wish.request, alive });
        });
        return;
      case "close":
        link.close(wish.code, wish.message);
        return;
      default:
        assertNever(wish);
    }
  }

  /** Tells the worker that waits for a stream that it does not come. */
  refused(link: Link, to: number, token: StreamToken, { code, message }: ProtocolError): void {
    const claim = this.#claims.get(link);
    const held = claim === undefined ? undefined : this.#held.get(claim);
    if (claim === undefined || held === undefined) return;
    const { id } = held;
    this.#channel.send({ type: "refused", to, id, claim, token, code, message: message.slice(0, 500) });
  }
}
