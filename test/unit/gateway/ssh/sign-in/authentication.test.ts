import { EventEmitter } from "node:events";
import type { AuthContext } from "ssh2";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  AUTHENTICATION_LIMITS,
  type AuthenticationOutcome,
  createAuthentication,
} from "../../../../../gateway/ssh/sign-in/authentication.ts";
import type { Verdict } from "../../../../../gateway/ssh/sign-in/sign-in.ts";
import { encode } from "../../../../../protocol/ssh/wire.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const key = { algo: "ssh-ed25519", data: encode("ssh-ed25519", Buffer.alloc(32, 7)) };
const signature = Buffer.alloc(64, 1);
const REQUESTS = {
  "a wrong token": { method: "password", password: "wrong", requestChange: () => {} },
  "what is too long for a token": { method: "password", password: "x".repeat(300), requestChange: () => {} },
  "a wrong token in the name": { method: "none", username: "dev#wrong" },
  "a bad signature": { method: "publickey", key, signature, blob: Buffer.alloc(10) },
  "a key of no type that is known": { method: "publickey", key: { ...key, algo: "ssh-dss" }, signature },
  "a key that is asked about": { method: "publickey", key },
} as const;

/** After how many ms a request is refused if its look-up takes `lookUp` ms. */
async function refusedAfter(request: (typeof REQUESTS)[keyof typeof REQUESTS], lookUp: number) {
  const slowly = <T>(value: T) => new Promise<T>((resolve) => setTimeout(resolve, lookUp, value));
  const refused: Verdict = { kind: "refused", refusal: { code: "unauthenticated" } };
  const outcome: AuthenticationOutcome = {
    signedIn: () => expect.fail("nobody signs in"),
    refused: () => {},
    proved: () => expect.fail("nothing is proved"),
    tooMany: () => {},
    banner: () => {},
    failed: (error) => {
      throw error;
    },
    isOver: false,
    over: new AbortController().signal,
    address: "192.0.2.1",
  };
  const handle = createAuthentication(
    {
      isKnown: () => slowly(false),
      withKey: () => slowly(refused),
      withToken: () => slowly(refused),
      confirm: () => slowly({ code: "bad_proof" }),
    },
    AUTHENTICATION_LIMITS,
    outcome,
  );
  let isRefused = false;
  const answers = {
    accept: () => expect.fail("nothing is accepted"),
    reject: () => {
      isRefused = true;
    },
  };
  const asked = { username: "dev", service: "ssh-connection", ...answers, ...request };
  const context: AuthContext = Object.assign(new EventEmitter(), asked);
  handle(context);
  for (let ms = 0; ms < 1_000; ms++) {
    await vi.advanceTimersByTimeAsync(0);
    if (isRefused) return ms;
    await vi.advanceTimersByTimeAsync(1);
  }
  return undefined;
}

const { "a key that is asked about": query, ...proofs } = REQUESTS;

test.each(Object.entries(proofs))(
  "%s is refused after the minimum time, however long the look-up took",
  async (_, request) => {
    for (const lookUp of [1, 30, 99]) expect(await refusedAfter(request, lookUp)).toBe(100);
  },
);

test("a key query is refused after a quarter of it, however long the look-up took", async () => {
  for (const lookUp of [1, 10, 24]) expect(await refusedAfter(query, lookUp)).toBe(25);
});

test("after a longer look-up the refusal waits for the next step, so that the time reveals nothing", async () => {
  for (const lookUp of [101, 150, 199]) expect(await refusedAfter(proofs["a wrong token"], lookUp)).toBe(200);
  expect(await refusedAfter(proofs["a wrong token"], 201)).toBe(400);
  expect(await refusedAfter(query, 26)).toBe(50);
});
