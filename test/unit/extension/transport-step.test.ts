import { createServer } from "node:net";
import { beforeEach, expect, test, vi } from "vitest";
import type { Gateway } from "../../../extension/accounts/gateways.ts";

const settings = vi.hoisted(() => new Map<string, unknown>());
vi.mock("vscode", async () => {
  const fake = await import("./fake-vscode.ts");
  const workspace = {
    ...fake.workspace,
    getConfiguration: () => ({ get: (name: string) => settings.get(name) }),
  };
  return { ...fake, workspace };
});

const { findTransport } = await import("../../../extension/connect/transport-step.ts");
const { signal } = new AbortController();

function gatewayWith(ssh: { host: string; port: number } | null): Gateway {
  const gateway: Partial<Gateway> = {
    discovery: () => Promise.resolve(Object.assign(Object.create(null), { ssh })),
  };
  return Object.assign(Object.create(null), gateway);
}

beforeEach(() => settings.clear());

test.each(["auto", "tunnel", "direct"])(
  "a gateway without an SSH port is reached by the tunnel at once, with the setting %s",
  async (setting) => {
    settings.set("transport", setting);
    expect(await findTransport(gatewayWith(null), signal)).toMatchObject({
      transport: "tunnel",
      because: "no-ssh-port",
      bannerMs: undefined,
    });
  },
);

test("a port that is set to be used, or not, is not asked", async () => {
  let asked = 0;
  const server = createServer(() => asked++).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  for (const setting of ["direct", "tunnel"]) {
    settings.set("transport", setting);
    const found = await findTransport(gatewayWith({ host: "127.0.0.1", port }), signal);
    expect(found).toMatchObject({ transport: setting, because: "chosen" });
  }
  server.close();
  expect(asked).toBe(0);
});
