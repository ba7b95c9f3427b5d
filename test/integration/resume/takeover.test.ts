// Who may go on with a stream: by hand, frame by frame, through a real gateway to a real host's link.

import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import { CLOSE } from "../../../protocol/errors.ts";
import { decodeFrame, encodeFrame, FRAME, RESET, readReset } from "../../../protocol/resume/frame.ts";
import {
  decodeWelcome,
  encodeHello,
  newStreamKey,
  type StreamKey,
} from "../../../protocol/resume/handshake.ts";
import { WINDOW_MAX } from "../../../protocol/resume/limits.ts";
import { SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import type { AccountId } from "../../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { TestStack } from "../../support/link.ts";
import type { TestHost } from "../../support/test-host.ts";

let stack: TestStack;
let workspace: string;
let host: TestHost;
let annId: AccountId;
let annToken: string;
/** ann owns the workspace, which is shared with bob. */
let tokens: { ann: string; bob: string };
beforeEach(async () => {
  stack = await TestStack.start();
  const [ann, bob] = [await stack.account("ann"), await stack.account("bob")];
  host = await stack.host({ token: (await stack.token(ann, ["host"])).token });
  workspace = host.id;
  const { store } = stack.gateway;
  const found = await store.workspace(host.id);
  if (found?.owner == null) throw new Error("no workspace");
  await acceptedShare(store, { ...found, owner: found.owner }, "bob");
  const { token, info } = await stack.token(ann, ["connect"]);
  [annId, annToken] = [ann, info.id];
  tokens = {
    ann: token,
    bob: (await stack.token(bob, ["connect"])).token,
  };
});
afterEach(() => stack.close());

class Peer {
  readonly socket: WebSocket;
  readonly #frames: ReturnType<typeof decodeFrame>[] = [];
  readonly closed: Promise<number>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => this.#frames.push(decodeFrame(data)));
    socket.on("error", () => undefined);
    this.closed = once(socket, "close").then(([code]) => code);
    socket.resume();
  }

  static async dial(token: string): Promise<Peer> {
    const target = { gateway: stack.url, workspace: parseWorkspaceRef(workspace), token };
    const socket = await dialTunnel(target, [SUBPROTOCOL.resume], AbortSignal.timeout(20_000));
    expect(socket.protocol).toBe(SUBPROTOCOL.resume);
    return new Peer(socket);
  }

  async next(type: number): Promise<ReturnType<typeof decodeFrame>> {
    let found: ReturnType<typeof decodeFrame> | undefined;
    await expect
      .poll(() => {
        found ??= this.#frames.find((frame) => frame.type === type);
        return found;
      })
      .toBeDefined();
    if (found === undefined) throw new Error("no frame");
    this.#frames.splice(0, this.#frames.indexOf(found) + 1);
    return found;
  }

  send(frame: Buffer): void {
    this.socket.send(frame, { binary: true });
  }
}

/** A stream that lives, with its key. */
async function living(token: string): Promise<{ peer: Peer; key: StreamKey }> {
  const peer = await Peer.dial(token);
  const { frame, nonce } = encodeHello({ received: 0, window: WINDOW_MAX }, undefined);
  peer.send(frame);
  const { key } = decodeWelcome(await peer.next(FRAME.welcome), nonce, undefined);
  await echoes(peer, 0, "first");
  return { peer, key };
}

/** The host's side writes back what it gets. */
async function echoes(peer: Peer, offset: number, text: string): Promise<void> {
  peer.send(encodeFrame(FRAME.data, offset, offset, Buffer.from(text)));
  const back = await peer.next(FRAME.data);
  expect({ offset: back.offset, text: back.payload.toString() }).toEqual({ offset, text });
}

const at = (received: number) => ({ received, window: WINDOW_MAX });

describe("going on with a stream", () => {
  const attempts: Record<string, (key: StreamKey) => { token: string; frame: Buffer; code: number }> = {
    "with a wrong proof": ({ sid }) => ({
      token: tokens.ann,
      frame: encodeHello(at(5), { key: { sid, secret: newStreamKey().secret }, epoch: 2 }).frame,
      code: RESET.refused,
    }),
    "with an epoch that was used": (key) => ({
      token: tokens.ann,
      frame: encodeHello(at(5), { key, epoch: 1 }).frame,
      code: RESET.refused,
    }),
    "with another account's stream, even with its secret": (key) => ({
      token: tokens.bob,
      frame: encodeHello(at(5), { key, epoch: 2 }).frame,
      code: RESET.refused,
    }),
    "with a proof for another position": (key) => {
      const { frame } = encodeHello(at(5), { key, epoch: 2 });
      frame.writeUIntBE(4, 14 + 6, 6);
      return { token: tokens.ann, frame, code: RESET.refused };
    },
    "of which the host knows nothing": () => ({
      token: tokens.ann,
      frame: encodeHello(at(0), { key: newStreamKey(), epoch: 2 }).frame,
      code: RESET.unknown,
    }),
    "with no greeting at all": () => ({
      token: tokens.ann,
      frame: encodeFrame(FRAME.data, 0, 5, Buffer.from("x")),
      code: RESET.protocol,
    }),
    "in another version": (key) => {
      const { frame } = encodeHello(at(5), { key, epoch: 2 });
      frame[14] = 2;
      return { token: tokens.ann, frame, code: RESET.version };
    },
  };
  for (const [how, attempt] of Object.entries(attempts)) {
    test(`${how} is refused, and the living stream undisturbed`, async () => {
      const { peer, key } = await living(tokens.ann);
      const { token, frame, code } = attempt(key);
      const intruder = await Peer.dial(token);
      intruder.send(frame);
      expect(readReset(await intruder.next(FRAME.reset)).code).toBe(code);
      await intruder.closed;
      await echoes(peer, 5, "still here");
    });
  }

  test("with its proof closes the previous connection with 4001, and nothing is lost", async () => {
    const { peer, key } = await living(tokens.ann);
    const next = await Peer.dial(tokens.ann);
    const { frame, nonce } = encodeHello(at(3), { key, epoch: 2 });
    next.send(frame);
    const welcome = decodeWelcome(await next.next(FRAME.welcome), nonce, key);
    expect(welcome).toMatchObject({ received: 5, epoch: 2 });
    // "first" was received up to its third byte, as this end says, and comes again; what there is of it is known.
    expect(await next.next(FRAME.data)).toMatchObject({ offset: 0 });
    expect(await peer.closed).toBe(CLOSE.fenced);
    await echoes(next, 5, "went on");
  });
});

test("a stream whose token is revoked ends at the host as well, at once", async () => {
  const { peer } = await living(tokens.ann);
  await stack.gateway.store.tokens.revoke(annId, annToken as never, { account: "ann" });
  expect(await peer.closed).toBe(CLOSE.refused);
  await expect.poll(() => host.streams[0]?.destroyed).toBe(true);
});

test("a proof that is replayed, as an eavesdropper could do, is refused", async () => {
  const { key } = await living(tokens.ann);
  const { frame } = encodeHello(at(5), { key, epoch: 2 });
  const next = await Peer.dial(tokens.ann);
  next.send(frame);
  await next.next(FRAME.welcome);
  const replayed = await Peer.dial(tokens.ann);
  replayed.send(frame);
  expect(readReset(await replayed.next(FRAME.reset)).code).toBe(RESET.refused);
  await echoes(next, 5, "undisturbed");
});
