import { beforeEach, describe, expect, test, vi } from "vitest";
import { CommandError } from "../../../agent/platform/command-error.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { workspace } from "../agent/client/workspaces/workspaces.ts";
import { window } from "./fake-vscode.ts";
import { oneGateway } from "./one-gateway.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));
const connectTo = vi.fn((..._: unknown[]) => Promise.resolve());
vi.mock("../../../extension/connect/connect.ts", () => ({ connectTo }));

const { openConnectUrl } = await import("../../../extension/connect/open-connect-url.ts");
const { listingOf } = await import("../../../extension/connect/config-step.ts");

const key = (fill: number): string => {
  const blob = Buffer.concat([
    Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20", "latin1"),
    Buffer.alloc(32, fill),
  ]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
};

beforeEach(() => {
  vi.clearAllMocks();
});

async function open(published: readonly string[], linked: string | undefined) {
  const dev = workspace("dev", { hostKeys: [...published] });
  const { services, gateway } = oneGateway(dev);
  const hostKey = linked === undefined ? undefined : parsePublicKey(linked);
  const link = { gateway: gateway.gateway, workspace: parseWorkspaceRef(dev.id), hostKey };
  await Reflect.apply(openConnectUrl, undefined, [services, link]);
  return connectTo.mock.calls[0]?.[1];
}

test("a link with a host key that the gateway does not publish connects nowhere, and names both keys", async () => {
  const refused = open([key(1)], key(2));
  await expect(refused).rejects.toMatchObject({ code: "host_key_mismatch" });
  await expect(refused).rejects.toThrow(parsePublicKey(key(1)).fingerprint);
  await expect(refused).rejects.toThrow(parsePublicKey(key(2)).fingerprint);
  await expect(open([], key(2))).rejects.toMatchObject({ code: "host_key_mismatch" });
  expect(connectTo).not.toHaveBeenCalled();
});

test("a link with the published host key connects, and the key goes along to where the configuration is written", async () => {
  expect(await open([key(1), key(2)], key(2))).toMatchObject({ hostKey: { blob: key(2).split(" ")[1] } });
});

test("a link without a host key takes what the gateway publishes", async () => {
  expect(await open([key(1)], undefined)).not.toHaveProperty("hostKey");
});

test("only the link's key is written, and nothing when the gateway publishes a different one by then", async () => {
  const dev = workspace("dev", { hostKeys: [key(1), key(2)] });
  const other = workspace("other", { hostKeys: [key(1)] });
  const { gateway } = oneGateway(dev);
  const listing = (now: readonly (typeof dev)[], linked: string) =>
    Reflect.apply(listingOf, undefined, [
      { ...gateway, list: () => Promise.resolve(now) },
      { discovery: { ssh: null, hostKeys: [] } },
      { gateway, workspace: dev, hostKey: parsePublicKey(linked) },
    ]);
  expect((await listing([other, dev], key(2))).workspaces).toEqual([other, { ...dev, hostKeys: [key(2)] }]);
  const swapped = { ...dev, hostKeys: [key(1)] };
  await expect(listing([other, swapped], key(2))).rejects.toMatchObject({ code: "host_key_mismatch" });
});

describe("a link to a workspace of another account", () => {
  const theirs = (hostKey = key(1)) => workspace("dev", { mine: false, owner: "bob", hostKeys: [hostKey] });

  async function follow(world: ReturnType<typeof oneGateway>, id: string) {
    const { services, gateway } = world;
    const link = { gateway: gateway.gateway, workspace: parseWorkspaceRef(id), hostKey: undefined };
    await Reflect.apply(openConnectUrl, undefined, [services, link]);
  }

  test("asks the first time, and connects nowhere without a yes", async () => {
    const dev = theirs();
    const world = oneGateway(dev);
    await follow(world, dev.id);
    const [question, options] = window.showWarningMessage.mock.calls[0] ?? [];
    expect(question).toBe("Connect to dev.bob, which belongs to bob?");
    expect(options).toMatchObject({ modal: true, detail: expect.stringContaining("gw.example") });
    expect(connectTo).not.toHaveBeenCalled();
  });

  test("asks once, and again where the host has a different key", async () => {
    const dev = theirs();
    const world = oneGateway(dev);
    window.showWarningMessage.mockResolvedValueOnce("Connect");
    await follow(world, dev.id);
    await follow(world, dev.id);
    expect(connectTo).toHaveBeenCalledTimes(2);
    expect(window.showWarningMessage).toHaveBeenCalledTimes(1);
    Object.assign(dev, { hostKeys: [key(2)] });
    await follow(world, dev.id);
    expect(window.showWarningMessage).toHaveBeenCalledTimes(2);
    expect(connectTo).toHaveBeenCalledTimes(2);
  });

  test("that is only offered is accepted and then opened, by one yes; a no accepts nothing", async () => {
    const dev = theirs();
    const world = oneGateway(dev);
    const acceptShare = vi.fn(() => Promise.resolve());
    const unknown = new CommandError("workspace", "workspace_unknown", "No such workspace.");
    const offer = { id: dev.id, name: "dev", owner: "bob", pending: true, createdAt: dev.createdAt };
    const api = {
      workspace: () => (acceptShare.mock.calls.length === 0 ? Promise.reject(unknown) : Promise.resolve(dev)),
      sharedWithMe: () => Promise.resolve([offer]),
      acceptShare,
    };
    Object.assign(world.gateway, { api: () => Promise.resolve(api) });
    await follow(world, dev.id);
    expect(acceptShare).not.toHaveBeenCalled();
    expect(connectTo).not.toHaveBeenCalled();
    window.showInformationMessage.mockResolvedValueOnce("Accept and Connect");
    await follow(world, "dev.bob");
    expect(acceptShare).toHaveBeenCalledWith(dev.id);
    expect(connectTo).toHaveBeenCalledTimes(1);
    expect(window.showWarningMessage).not.toHaveBeenCalled();
  });

  test("that no gateway knows is refused", async () => {
    const dev = theirs();
    const world = oneGateway(dev);
    const unknown = new CommandError("workspace", "workspace_unknown", "No such workspace.");
    const api = { workspace: () => Promise.reject(unknown), sharedWithMe: () => Promise.resolve([]) };
    Object.assign(world.gateway, { api: () => Promise.resolve(api) });
    await expect(follow(world, dev.id)).rejects.toBe(unknown);
  });
});
