// URIs that the system opens in the editor as the answer to a sign-in, as any web page can.

import { expect, test, vi } from "vitest";
import { newState } from "../../../../agent/client/sign-in/authorization.ts";
import { parseGatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { SharedSecrets } from "./fake-secrets.ts";

vi.mock("vscode", () => import("../fake-vscode.ts"));
const { SignInCallbacks } = await import("../../../../extension/accounts/sign-in-callbacks.ts");

const gateway = parseGatewayUrl("https://gw.example");
const answer = (state: string, more = {}) =>
  new URLSearchParams({ code: "the-code", state, iss: gateway, windowId: "1", ...more }).toString();

function windows(count: number) {
  const secrets = new SharedSecrets();
  const logged: string[] = [];
  const note = (line: string) => void logged.push(line);
  const log = { debug: note, info: note, warn: note, error: note };
  const all = Array.from({ length: count }, () =>
    Reflect.construct(SignInCallbacks, [secrets.window(), log]),
  );
  return { secrets, logged, windows: all as InstanceType<typeof SignInCallbacks>[] };
}

/** A promise of an answer, once its window is known to wait. */
async function waiting(
  callbacks: InstanceType<typeof SignInCallbacks>,
  secrets: SharedSecrets,
  signal = new AbortController().signal,
) {
  const state = newState();
  const before = secrets.entries.size;
  const promise = callbacks.wait({ state, gateway }, signal);
  promise.catch(() => {});
  await vi.waitFor(() => expect(secrets.entries.size).toBe(before + 1));
  await new Promise((resolve) => setImmediate(resolve));
  return { state, promise };
}

test("the answer reaches the window that asked, and nothing is left behind", async () => {
  const { secrets, windows: all } = windows(1);
  const [window] = all;
  if (window === undefined) throw new Error("there is no window");
  const { state, promise } = await waiting(window, secrets);
  await window.arrived(answer(state));
  expect(await promise).toEqual({ kind: "code", code: "the-code" });
  expect(secrets.entries.size).toBe(0);
});

test("an answer that comes at once is not missed", async () => {
  const { secrets, windows: all } = windows(1);
  const [window] = all;
  if (window === undefined) throw new Error("there is no window");
  const state = newState();
  const promise = window.wait({ state, gateway }, new AbortController().signal);
  await window.arrived(answer(state));
  expect(await promise).toEqual({ kind: "code", code: "the-code" });
  expect(secrets.entries.size).toBe(0);
});

test("a different window that the system opened it in hands it over", async () => {
  const { secrets, windows: all } = windows(3);
  const [one, two, three] = all;
  if (one === undefined || two === undefined || three === undefined) throw new Error("too few windows");
  const first = await waiting(one, secrets);
  const second = await waiting(two, secrets);
  await three.arrived(answer(first.state));
  expect(await first.promise).toEqual({ kind: "code", code: "the-code" });
  await three.arrived(answer(second.state, { code: "other" }));
  expect(await second.promise).toEqual({ kind: "code", code: "other" });
  expect(secrets.entries.size).toBe(0);
});

test.each([
  ["with nothing", ""],
  ["with a state that nobody waits for", answer(newState())],
  ["with a short state", answer("x")],
  ["with a state that is a name of something else", answer("../sallyport.accounts")],
  ["that is huge", answer(newState(), { more: "x".repeat(10_000) })],
])("an answer %s changes nothing, is kept nowhere, and its content is in no log", async (_what, query) => {
  const { secrets, logged, windows: all } = windows(2);
  const [one, two] = all;
  if (one === undefined || two === undefined) throw new Error("too few windows");
  const { state, promise } = await waiting(one, secrets);
  const kept = new Map(secrets.entries);
  await one.arrived(query);
  await two.arrived(query);
  expect(secrets.entries).toEqual(kept);
  expect(logged).toHaveLength(2);
  for (const value of new URLSearchParams(query).values()) expect(logged.join()).not.toContain(value || "\0");
  expect(logged.join()).not.toContain(state);
  await one.arrived(answer(state));
  await promise;
});

test("an answer that names a different gateway ends the sign-in", async () => {
  const { secrets, windows: all } = windows(1);
  const [window] = all;
  if (window === undefined) throw new Error("there is no window");
  const { state, promise } = await waiting(window, secrets);
  await window.arrived(answer(state, { iss: "https://evil.example" }));
  expect(await promise).toMatchObject({ kind: "refused", error: { code: "wrong_issuer" } });
});

test("after the person gave up, the answer counts for nobody", async () => {
  const { secrets, logged, windows: all } = windows(2);
  const [one, two] = all;
  if (one === undefined || two === undefined) throw new Error("too few windows");
  const stop = new AbortController();
  const { state, promise } = await waiting(one, secrets, stop.signal);
  stop.abort(new Error("gave up"));
  await expect(promise).rejects.toThrow("gave up");
  await vi.waitFor(() => expect(secrets.entries.size).toBe(0));
  await two.arrived(answer(state));
  expect(secrets.entries.size).toBe(0);
  expect(logged).toHaveLength(1);
});
