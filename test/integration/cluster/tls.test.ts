// Two workers that serve TLS: a connection cannot leave the worker that has its keys, so its bytes are
// carried to the other.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { echo } from "../../support/link.ts";
import { makeCertificate, Workers } from "./harness.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

let workers: Workers;
let directory: string;
beforeAll(async () => {
  if (!hasOpenssl) return;
  directory = mkdtempSync(join(tmpdir(), "sallyport-workers-tls-"));
  const { certFile, keyFile } = makeCertificate(directory);
  tls.setDefaultCACertificates([readFileSync(certFile, "utf8")]);
  workers = await Workers.start("--tls-cert", certFile, "--tls-key", keyFile);
});
afterAll(async () => {
  await workers?.close();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

test.skipIf(!hasOpenssl)(
  "tunnels come through whole wherever they and their dial-backs land, and end with their other side",
  async () => {
    await workers.host("secure");
    const tunnels: WebSocket[] = [];
    for (let i = 0; i < 8; i++) {
      tunnels.push(await workers.tunnel("secure"));
      if (i % 3 === 0) await workers.skipTurn();
    }
    const text = "0123456789abcdef".repeat(20_000);
    expect(await Promise.all(tunnels.map((tunnel) => echo(tunnel, text)))).toEqual(tunnels.map(() => text));
    expect(
      new Set(workers.log().flatMap((line) => (line.audit === "tunnel.opened" ? [line.worker] : []))),
    ).toEqual(new Set([0, 1]));
    await workers.endTunnels();
    await expect
      .poll(async () => Object(await (await workers.call("GET", "workspaces/secure")).json()).clients)
      .toBe(0);
  },
);
