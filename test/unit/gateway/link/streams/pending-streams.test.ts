import { describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { PendingStreams } from "../../../../../gateway/link/streams/pending-streams.ts";
import { newStreamToken } from "../../../../../protocol/values/token.ts";

const socket = {} as WebSocket;

describe("a stream that waits for its dial-back", () => {
  test("gets the WebSocket that is dialled with its token", async () => {
    const pending = new PendingStreams();
    const { token, socket: dialled } = pending.create({});
    pending.take(token).resolve(socket);
    expect(await dialled).toBe(socket);
    expect(pending.size).toBe(0);
  });

  test("cannot be taken twice, nor with a token that was never given out", async () => {
    const pending = new PendingStreams();
    const { token, socket: dialled } = pending.create({});
    pending.take(token).resolve(socket);
    await dialled;
    expect(() => pending.take(token)).toThrow(expect.objectContaining({ code: "stream_unknown" }));
    expect(() => pending.take(newStreamToken())).toThrow(expect.objectContaining({ code: "stream_unknown" }));
    expect(() => pending.take(undefined)).toThrow(expect.objectContaining({ code: "bad_token" }));
    expect(() => pending.take("x")).toThrow(expect.objectContaining({ code: "bad_token" }));
  });

  test("fails when nobody dials in time, and its token is invalid from then on", async () => {
    const pending = new PendingStreams();
    const { token, socket: dialled } = pending.create({}, 10);
    await expect(dialled).rejects.toMatchObject({ code: "workspace_timeout" });
    expect(() => pending.take(token)).toThrow(expect.objectContaining({ code: "stream_unknown" }));
  });

  test("is refused only by the link that it belongs to", async () => {
    const pending = new PendingStreams();
    const [mine, other] = [{}, {}];
    const { token, socket: dialled } = pending.create(mine);
    pending.refuse(other, token, "stream_refused", "no");
    expect(pending.size).toBe(1);
    pending.refuse(mine, token, "stream_refused", "no");
    await expect(dialled).rejects.toMatchObject({ code: "stream_refused" });
  });

  test("fails with its link, while other links' streams go on", async () => {
    const pending = new PendingStreams();
    const [mine, other] = [{}, {}];
    const { socket: dialled } = pending.create(mine);
    const kept = pending.create(other);
    pending.abandon(mine);
    await expect(dialled).rejects.toMatchObject({ code: "workspace_offline" });
    pending.take(kept.token).resolve(socket);
    expect(await kept.socket).toBe(socket);
  });
});
