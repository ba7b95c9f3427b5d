// The page's calls of the API, with a fetch that the test answers.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError, api, refusalOf, setHooks } from "../../../web/api.ts";

let answers: Response[];
let sent: [path: string, init: RequestInit][];
let events: string[];
let proves: boolean;

beforeEach(() => {
  answers = [];
  sent = [];
  events = [];
  proves = true;
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    sent.push([path, init]);
    const answer = answers.shift();
    if (answer === undefined) throw new TypeError("Failed to fetch");
    return answer;
  });
  setHooks({
    onSignedOut: () => events.push("signed out"),
    onReauthentication: async () => {
      events.push("asked");
      return proves;
    },
  });
});
afterEach(() => vi.unstubAllGlobals());

const refusal = (status: number, code: string, more: object = {}) =>
  Response.json({ code, message: `Refused: ${code}.`, ...more }, { status });

describe("a call", () => {
  test("sends the cookie to this origin only, and JSON", async () => {
    answers.push(Response.json({ id: "key_1" }, { status: 201 }));
    expect(await api.post("/keys", { publicKey: "x" })).toEqual({ id: "key_1" });
    expect(sent).toEqual([
      [
        "/api/v1/keys",
        expect.objectContaining({
          method: "POST",
          credentials: "same-origin",
          body: '{"publicKey":"x"}',
          headers: { accept: "application/json", "content-type": "application/json" },
        }),
      ],
    ]);
  });

  test("without a body sends none, and takes an answer without one", async () => {
    answers.push(new Response(null, { status: 204 }));
    expect(await api.delete("/keys/1")).toBeUndefined();
    expect(sent[0]?.[1]).not.toHaveProperty("body");
    expect(sent[0]?.[1].headers).toEqual({ accept: "application/json" });
  });

  test("throws the gateway's refusal, with the field", async () => {
    answers.push(refusal(409, "name_taken", { field: "name" }));
    const error = await api.post("/accounts", { name: "ada" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      code: "name_taken",
      status: 409,
      field: "name",
      message: "Refused: name_taken.",
    });
  });

  test("throws unreachable where there is no answer, and what aborted it where it was aborted", async () => {
    await expect(api.get("/keys")).rejects.toMatchObject({ code: "unreachable", status: 0 });
    vi.stubGlobal("fetch", () => Promise.reject(new DOMException("aborted", "AbortError")));
    await expect(api.get("/keys")).rejects.toMatchObject({ name: "AbortError" });
  });

  test.each([
    ["a proxy's page", new Response("<h1>502 Bad Gateway</h1>", { status: 502 })],
    ["a portal's page with status 200", new Response("<html>Sign in to the hotel</html>")],
    ["JSON of something else", Response.json({ error: "no" }, { status: 500 })],
    ["null", Response.json(null, { status: 500 })],
  ])("does not believe %s", async (_what, answer) => {
    answers.push(answer);
    await expect(api.get("/keys")).rejects.toMatchObject({ code: "internal" });
  });
});

describe("a session that is over", () => {
  test("is told once to the page, and thrown", async () => {
    answers.push(refusal(401, "token_revoked"));
    await expect(api.get("/keys")).rejects.toMatchObject({ code: "token_revoked" });
    expect(events).toEqual(["signed out"]);
  });

  test("is only thrown for pages of people who are not signed in", async () => {
    answers.push(refusal(401, "token_unknown"));
    await expect(api.post("/session/token", { token: "x" }, { quiet: true })).rejects.toMatchObject({
      code: "token_unknown",
    });
    expect(events).toEqual([]);
  });
});

describe("a call that needs a fresh sign-in", () => {
  test("is repeated once the person has signed in again", async () => {
    answers.push(refusal(403, "reauthentication_required"), Response.json({ done: true }));
    expect(await api.post("/tokens", { title: "x" })).toEqual({ done: true });
    expect(events).toEqual(["asked"]);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
  });

  test("is not repeated if they have not, and nothing is asked for twice", async () => {
    proves = false;
    answers.push(refusal(403, "reauthentication_required"));
    await expect(api.post("/tokens", {})).rejects.toMatchObject({ code: "cancelled" });
    expect(sent).toHaveLength(1);
    proves = true;
    answers.push(refusal(403, "reauthentication_required"), refusal(403, "reauthentication_required"));
    await expect(api.post("/tokens", {})).rejects.toMatchObject({ code: "reauthentication_required" });
    expect(events).toEqual(["asked", "asked"]);
  });
});

test("a refusal needs a code and a sentence, both as text", () => {
  expect(refusalOf(400, { code: "bad_name", message: "No.", field: 7 })).toMatchObject({ field: undefined });
  for (const answer of [undefined, null, "x", [], { code: 1, message: "x" }, { code: "x" }]) {
    expect(refusalOf(418, answer)).toMatchObject({ code: "internal", status: 418 });
  }
});
