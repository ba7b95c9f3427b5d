// The two ways to sign in without a token, against a gateway that answers as the real one does.

import { once } from "node:events";
import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeAuthorizationServer } from "../../../support/fake-authorization-server.ts";
import { env, type FakeQuickPick, picks } from "../fake-vscode.ts";
import { SharedSecrets } from "./fake-secrets.ts";

vi.mock("vscode", () => import("../fake-vscode.ts"));
const { browserMethod, deviceName, knownCallback } = await import(
  "../../../../extension/accounts/browser-method.ts"
);
const { deviceCodeMethod } = await import("../../../../extension/accounts/device-code-method.ts");
const { SignInCallbacks } = await import("../../../../extension/accounts/sign-in-callbacks.ts");

const log = { debug() {}, info() {}, warn() {}, error() {} };
let server: FakeAuthorizationServer;
let callbacks: InstanceType<typeof SignInCallbacks>;
beforeEach(async () => {
  vi.clearAllMocks();
  env.openExternal.mockResolvedValue(true);
  env.asExternalUri.mockImplementation((uri) => Promise.resolve(uri));
  picks.length = 0;
  server = await FakeAuthorizationServer.start();
  callbacks = Reflect.construct(SignInCallbacks, [new SharedSecrets().window(), log]);
});
afterEach(async () => {
  await server.close();
});

const obtain = (method: typeof browserMethod) =>
  Reflect.apply(method.obtain, undefined, [server.url, { signIns: callbacks, log }]);

async function pick(): Promise<FakeQuickPick> {
  return await vi.waitFor(() => {
    const [last] = picks.slice(-1);
    if (last === undefined) throw new Error("nothing is shown yet");
    return last;
  });
}

/** What a browser does with a page that answers at once: it opens the URI that the page leads to. */
async function follow(url: string): Promise<void> {
  const sent = request(url).end();
  const [response] = await once(sent, "response");
  const { location } = response.headers;
  await callbacks.arrived(location.slice(location.indexOf("?") + 1));
}

describe("by the browser", () => {
  test("opens the page and takes the answer that comes back as a URI", async () => {
    env.openExternal.mockImplementation(async (uri) => {
      await follow(String(uri));
      return true;
    });
    const obtained = await obtain(browserMethod);
    expect(obtained).toMatchObject({
      kind: "granted",
      granted: { account: "ada", credential: { renewal: { client: "sallyport-vscode" } } },
    });
    const [query] = server.authorizations;
    expect(query?.get("redirect_uri")).toBe("vscode://sallyport.sallyport/signed-in");
    expect(query?.get("device")).toBe(deviceName());
    expect(picks.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(env.clipboard.writeText).not.toHaveBeenCalled();
  });

  test("asks for the answer in the window that asked, where the editor says which one that is", async () => {
    env.asExternalUri.mockResolvedValue("vscode://sallyport.sallyport/signed-in?windowId=7");
    env.openExternal.mockImplementation(async (uri) => {
      await follow(String(uri));
      return true;
    });
    expect(await obtain(browserMethod)).toMatchObject({ kind: "granted" });
    expect(server.authorizations[0]?.get("redirect_uri")).toMatch(/windowId=7$/);
  });

  test("opens the page again, and lets the person try another way", async () => {
    server.answer = "wait";
    const obtaining = obtain(browserMethod);
    const shown = await pick();
    await vi.waitFor(() => expect(env.openExternal).toHaveBeenCalledTimes(1));
    shown.choose("Open the Page Again");
    await vi.waitFor(() => expect(env.openExternal).toHaveBeenCalledTimes(2));
    shown.choose("Try Another Way…");
    expect(await obtaining).toEqual({ kind: "another" });
  });

  test("ends when the person closes the list, or declines on the page", async () => {
    server.answer = "wait";
    const obtaining = obtain(browserMethod);
    (await pick()).hide();
    expect(await obtaining).toBeUndefined();

    server.answer = "deny";
    env.openExternal.mockImplementation(async (uri) => {
      await follow(String(uri));
      return true;
    });
    await expect(obtain(browserMethod)).rejects.toMatchObject({ code: "sign_in_denied" });
  });

  test("is offered where the gateway does it and the editor has a scheme that the gateway knows", async () => {
    const offered = (capabilities: string[]) =>
      Reflect.apply(browserMethod.offeredBy, undefined, [{ capabilities }]);
    env.asExternalUri.mockResolvedValue("vscodium://sallyport.sallyport/signed-in?windowId=1");
    expect(await offered(["oauth"])).toBe(true);
    expect(await offered([])).toBe(false);
    env.asExternalUri.mockResolvedValue("http://localhost:8080/callback?vscode-reqid=1");
    expect(await offered(["oauth"])).toBe(false);
  });

  test.each([
    ["vscode://sallyport.sallyport/signed-in", "vscode://sallyport.sallyport/signed-in"],
    [
      "cursor://sallyport.sallyport/signed-in?windowId=12",
      "cursor://sallyport.sallyport/signed-in?windowId=12",
    ],
    ["vscode://sallyport.sallyport/signed-in?windowId=_blank", "vscode://sallyport.sallyport/signed-in"],
    ["vscode://sallyport.sallyport/signed-in?windowId=1&x=2", undefined],
    ["vscode://sallyport.sallyport/signed-in#x", undefined],
    ["vscode://evil.sallyport/signed-in", undefined],
    ["vscode://sallyport.sallyportx/signed-in", undefined],
    ["vscode://sallyport.sallyport/connect", undefined],
    ["https://sallyport.sallyport/signed-in", undefined],
    ["javascript://sallyport.sallyport/signed-in", undefined],
  ])("%s is a callback: %s", (uri, expected) => {
    expect(knownCallback(uri)).toBe(expected);
  });
});

describe("by a device code", () => {
  test("is offered where the gateway takes such codes, and where it does not say", async () => {
    const offered = () =>
      Reflect.apply(deviceCodeMethod.offeredBy, undefined, [{ capabilities: ["oauth"] }, server.url]);
    expect(await offered()).toBe(true);
    server.takesDeviceCodes = false;
    expect(await offered()).toBe(false);
    server.isDown = true;
    expect(await offered()).toBe(true);
  });

  test("shows the code, copies the code alone, opens the page without it, and waits", async () => {
    const obtaining = obtain(deviceCodeMethod);
    const shown = await pick();
    const [code = ""] = server.userCodes;
    expect(shown.placeholder).toBe(`Enter ${code} at ${server.url}/device`);
    shown.choose(`Copy ${code} and Open the Page`);
    await vi.waitFor(() => expect(env.openExternal).toHaveBeenCalledTimes(1));
    expect(env.clipboard.writeText.mock.calls).toEqual([[code]]);
    expect(String(env.openExternal.mock.calls[0]?.[0])).toBe(`${server.url}/device`);
    server.decide(code, true);
    expect(await obtaining).toMatchObject({ kind: "granted", granted: { account: "ada" } });
    expect(shown.isOpen).toBe(false);
  });

  test("stops asking when the person gives up", async () => {
    const givenUp = obtain(deviceCodeMethod);
    (await pick()).hide();
    expect(await givenUp).toBeUndefined();
    const [first = ""] = server.userCodes;
    const polls = server.polls(first);
    // It would have asked at least once more while a second one comes to its end.
    const next = obtain(deviceCodeMethod);
    const second = await vi.waitFor(() => {
      const [, code] = server.userCodes;
      if (code === undefined) throw new Error("there is no second code yet");
      return code;
    });
    await vi.waitFor(() => expect(server.polls(second)).toBeGreaterThan(0), { timeout: 30_000 });
    server.decide(second, true);
    expect(await next).toMatchObject({ kind: "granted" });
    expect(server.polls(first)).toBe(polls);
  });
});

test("nothing is opened where a gateway calls itself by a different name", async () => {
  server.issuer = "https://gw.example";
  for (const method of [browserMethod, deviceCodeMethod]) {
    await expect(obtain(method)).rejects.toMatchObject({ code: "wrong_issuer" });
  }
  expect(env.openExternal).not.toHaveBeenCalled();
});
