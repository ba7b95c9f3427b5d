import { beforeEach, expect, test, vi } from "vitest";
import { parseWorkspaceRef } from "../../../protocol/name.ts";
import { parsePublicKey } from "../../../protocol/ssh-public-key.ts";
import { workspace } from "../agent/sessions/workspaces.ts";
import { oneGateway } from "./one-gateway.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));
const connectTo = vi.fn((..._: unknown[]) => Promise.resolve());
vi.mock("../../../extension/connect/connect.ts", () => ({ connectTo }));

const { openLink } = await import("../../../extension/connect/open-link.ts");
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
  await Reflect.apply(openLink, undefined, [services, link]);
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

test("what is written has the link's key alone, and nothing where the gateway publishes another one by then", async () => {
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
