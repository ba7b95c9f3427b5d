// ssh-keyscan asks for a host key and disconnects, once per type of key and without strict key exchange.

import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import { parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { webSocketStream } from "../../../protocol/web-socket/web-socket.ts";
import { SshStack } from "../../support/ssh/gateway-ssh.ts";
import { listen } from "../../support/ssh/host-ssh.ts";

const run = promisify(execFile);
let stack: SshStack;
afterEach(() => stack.close());

/** The keys that it prints, as `type base64`. */
async function scan(port: number, ...args: string[]): Promise<string[]> {
  const { stdout } = await run("ssh-keyscan", ["-T", "20", "-p", String(port), ...args, "127.0.0.1"]);
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : [line.split(" ").slice(1).join(" ")]));
}

test("ssh-keyscan gets every key of the gateway, ten times, and its address is not penalized", async () => {
  stack = await SshStack.start({ args: ["--metrics", "127.0.0.1:0"] });
  const ada = await stack.account("ada");
  const id = await stack.keyOf(ada, "id");
  await stack.host(ada, "dev");
  const keys = [...stack.gateway.hostKeys.publicKeys].sort();
  expect(keys.map((key) => key.split(" ")[0])).toContain("ssh-ed25519");
  for (let round = 0; round < 10; round++) expect((await scan(stack.port)).sort()).toEqual(keys);
  for (const key of keys) {
    const type = { "ssh-ed25519": "ed25519", "ssh-rsa": "rsa" }[key.split(" ")[0] ?? ""] ?? "ecdsa";
    expect(await scan(stack.port, "-t", type)).toEqual([key]);
  }
  const metrics = await (await fetch(stack.gateway.metricsUrl ?? "")).text();
  expect(metrics).toContain("sallyport_ssh_penalized_addresses 0");
  expect(await stack.ssh(["-i", id, "dev@gw", "echo in"])).toMatchObject({ stdout: "in\n", code: 0 });
});

test("ssh-keyscan gets every key of a host through a tunnel", async () => {
  stack = await SshStack.start();
  const ada = await stack.account("ada");
  const host = await stack.host(ada, "dev");
  const record = await stack.gateway.store.workspace(host.id);
  const target = {
    gateway: parseGatewayUrl(stack.gateway.httpUrl),
    workspace: parseWorkspaceRef("dev"),
    token: ada.token,
  };
  const listener = createServer((connection) => {
    dialTunnel(target, [SUBPROTOCOL.raw], AbortSignal.timeout(20_000))
      .then((socket) => pipeline(connection, webSocketStream(socket), connection))
      // ssh-keyscan disconnects in the middle.
      .catch(() => connection.destroy());
  });
  const port = await listen(listener);
  for (let round = 0; round < 3; round++) {
    expect((await scan(port)).sort()).toEqual([...(record?.hostKeys ?? [])].sort());
  }
  listener.close();
});
