import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { type Signer, signer, temporaryDirectory, writeRelease } from "../../support/fake-release.ts";
import { workspace as someWorkspace } from "../agent/client/workspaces/workspaces.ts";
import { commands, EventEmitter, window, workspace } from "./fake-vscode.ts";
import { oneGateway } from "./one-gateway.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const { offerUpdate } = await import("../../../extension/updates/offer-update.ts");
const { watchUpdates } = await import("../../../extension/updates/watch-updates.ts");

const ours = signer();
const VSIX = Buffer.from("the extension");
let servers: Server[] = [];

beforeEach(() => {
  vi.clearAllMocks();
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const server of servers) server.close();
  servers = [];
});

/** A gateway that offers this version, signed by `by`. */
async function gatewayWith(version: string, by: Signer = ours) {
  const directory = temporaryDirectory();
  const changes = Buffer.from(`# New in ${version}\n`);
  writeRelease(directory, version, { [`sallyport-${version}.vsix`]: VSIX, "CHANGELOG.md": changes }, by);
  const requests: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    requests.push(url);
    const path = join(directory, basename(url));
    if (url.startsWith("/bin/") && existsSync(path)) response.end(readFileSync(path));
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const url = parseGatewayUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { url, directory, requests };
}

/** A person who is signed in at these gateways, with this version of the extension. */
function person(gateways: readonly { url: string }[], version = "1.0.0") {
  const { services, state } = oneGateway(someWorkspace("box"));
  const list = () => Promise.resolve(gateways.map(({ url }) => ({ gateway: url })));
  Object.assign(services, { gateways: { list } });
  const offer = (keys = ours.keys) =>
    Reflect.apply(offerUpdate, undefined, [services, { version, keys }]) as Promise<void>;
  return { services, offer, tomorrow: () => state.delete("sallyport.updateChecks") };
}

function answers(...given: (string | undefined)[]): void {
  for (const answer of given) window.showInformationMessage.mockResolvedValueOnce(answer);
}

const installed: { name: string; contents: string }[] = [];
beforeEach(() => {
  installed.length = 0;
  commands.executeCommand.mockImplementation((name: string, file: unknown) => {
    if (name === "workbench.extensions.installExtension") {
      const { path }: { path: string } = Object(file);
      installed.push({ name: basename(path), contents: readFileSync(path, "utf8") });
    }
    return Promise.resolve();
  });
});

test("a newer version is installed after a yes, and the window reloads after another", async () => {
  const gateway = await gatewayWith("1.1.0");
  answers("Install", "Reload Window");
  const { offer } = person([gateway]);
  await offer();
  const host = new URL(gateway.url).host;
  expect(window.showInformationMessage.mock.calls).toEqual([
    [`Sallyport 1.1.0 is available from ${host}.`, "Install", "Not Now", "What's New?"],
    ["Sallyport 1.1.0 is installed. Reload the window to use it.", "Reload Window"],
  ]);
  expect(installed).toEqual([{ name: "sallyport-1.1.0.vsix", contents: String(VSIX) }]);
  expect(commands.executeCommand).toHaveBeenLastCalledWith("workbench.action.reloadWindow");
});

test("without a yes nothing is downloaded, and after a no this version is not offered again", async () => {
  const gateway = await gatewayWith("1.1.0");
  const { offer, tomorrow } = person([gateway]);
  await offer();
  tomorrow();
  answers("Not Now");
  await offer();
  tomorrow();
  await offer();
  expect(window.showInformationMessage).toHaveBeenCalledTimes(2);
  expect(gateway.requests.filter((url) => url.endsWith(".vsix"))).toEqual([]);
  expect(installed).toEqual([]);
});

test("a window that has not been reloaded offers no version that is installed already", async () => {
  const gateway = await gatewayWith("1.1.0");
  const { offer, tomorrow } = person([gateway]);
  answers("Install");
  await offer();
  tomorrow();
  await offer();
  expect(window.showInformationMessage).toHaveBeenCalledTimes(2);
});

test("what is new is shown first, if the person wants to see it", async () => {
  const gateway = await gatewayWith("1.1.0");
  answers("What's New?", "Install");
  await person([gateway]).offer();
  expect(commands.executeCommand.mock.calls[0]?.[0]).toBe("markdown.showPreview");
  expect(installed).toHaveLength(1);
});

test("each gateway is asked once a day", async () => {
  const gateway = await gatewayWith("1.0.0");
  const { offer } = person([gateway]);
  await offer();
  await offer();
  expect(gateway.requests).toEqual(["/bin/manifest.json", "/bin/manifest.json.sig"]);
});

test("of several gateways the newest version is offered, once", async () => {
  const gateways = [await gatewayWith("1.1.0"), await gatewayWith("1.2.0"), await gatewayWith("1.1.1")];
  await person(gateways).offer();
  expect(window.showInformationMessage).toHaveBeenCalledTimes(1);
  expect(window.showInformationMessage.mock.calls[0]?.[0]).toContain("1.2.0");
});

test.each([
  ["the same version", "1.0.0", ours],
  ["an older version", "0.9.0", ours],
  ["a release that another key has signed", "1.1.0", signer()],
])("%s is not offered", async (_, version, by) => {
  await person([await gatewayWith(version, by)]).offer();
  expect(window.showInformationMessage).not.toHaveBeenCalled();
});

test("an extension that is not the one of the release is not installed", async () => {
  const gateway = await gatewayWith("1.1.0");
  const { offer } = person([gateway]);
  window.showInformationMessage.mockImplementationOnce(async () => {
    writeFileSync(join(gateway.directory, "sallyport-1.1.0.vsix"), "the Extension");
    return "Install";
  });
  await offer();
  expect(installed).toEqual([]);
  expect(window.showErrorMessage.mock.calls[0]?.[0]).toContain("Installing Sallyport 1.1.0 failed");
});

test("a gateway without downloads is not worth a message", async () => {
  const gateway = await gatewayWith("1.1.0");
  rmSync(join(gateway.directory, "manifest.json"));
  await person([gateway]).offer();
  expect(window.showInformationMessage).not.toHaveBeenCalled();
  expect(window.showErrorMessage).not.toHaveBeenCalled();
});

test("a build without a release key, as from a clone, asks nobody", async () => {
  const gateway = await gatewayWith("1.1.0");
  await person([gateway]).offer([]);
  expect(gateway.requests).toEqual([]);
});

test("the setting turns it off", async () => {
  const gateway = await gatewayWith("1.1.0");
  const off = {
    get: (name: string) => (name === "update.offer" ? false : undefined),
    inspect: () => undefined,
  };
  vi.spyOn(workspace, "getConfiguration").mockReturnValue(Object(off));
  await person([gateway]).offer();
  expect(gateway.requests).toEqual([]);
});

test("it begins some time after activation or a sign-in, and not in a window that is closed before", () => {
  vi.useFakeTimers();
  try {
    const { services } = person([]);
    const signedIn = new EventEmitter<void>();
    Object.assign(services, { accounts: { onDidChange: signedIn.event } });
    const closed: { dispose(): void } = Reflect.apply(watchUpdates, undefined, [services]);
    vi.advanceTimersByTime(10_000);
    signedIn.fire();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersToNextTimer();
    // The next look is hours away.
    expect(vi.getTimerCount()).toBe(1);
    closed.dispose();
    signedIn.fire();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
