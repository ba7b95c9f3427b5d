// Connections that send nothing, or not enough, are closed in time, even if the client does not close its
// side.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningGateway, startGateway } from "../../../gateway/gateway.ts";
import { parseGatewayOptions } from "../../support/gateway-options.ts";
import { makeCertificate } from "../cluster/harness.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
/** The gateway's limit is 10 s, checked every 5 s; a busy machine adds to that. */
const BOUND_MS = 19_000;

let directory: string;
let plain: RunningGateway;
let secure: RunningGateway | undefined;
const start = (name: string, ...args: string[]) =>
  startGateway(
    parseGatewayOptions(["--http", "127.0.0.1:0", "--data", join(directory, name), ...args], {}).options,
    () => undefined,
  );
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-silent-"));
  plain = await start("plain");
  if (!hasOpenssl) return;
  const { certFile, keyFile } = makeCertificate(directory);
  chmodSync(keyFile, 0o600);
  secure = await start("secure", "--tls-cert", certFile, "--tls-key", keyFile);
});
afterAll(async () => {
  await plain.close();
  await secure?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The beginning of a TLS record with a ClientHello of 512 bytes. */
const HELLO = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

interface Case {
  readonly sends: string;
  readonly first: Buffer | string;
  /** Sent every half second, so that the connection is never idle. */
  readonly after: Buffer | undefined;
}

/** How long the gateway keeps the connection of a client that does not close its side. */
async function kept(gateway: RunningGateway, { first, after }: Omit<Case, "sends">): Promise<number> {
  const socket: Socket = connect({
    host: "127.0.0.1",
    port: Number(new URL(gateway.httpUrl).port),
    allowHalfOpen: true,
  });
  const began = performance.now();
  const drip =
    after === undefined ? undefined : setInterval(() => socket.writable && socket.write(after), 500);
  socket.on("error", () => undefined);
  socket.resume();
  if (first.length > 0) socket.write(first);
  // The connection has to be gone, not only half-closed: then it refuses what is written.
  const probe = setInterval(() => socket.readableEnded && socket.write("x"), 200);
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(drip);
  clearInterval(probe);
  return performance.now() - began;
}

const tls: Case[] = [
  { sends: "nothing", first: "", after: undefined },
  { sends: "the beginning of a ClientHello", first: HELLO, after: undefined },
  { sends: "a ClientHello byte by byte", first: HELLO, after: Buffer.from([0]) },
];
const http: Case[] = [
  { sends: "nothing", first: "", after: undefined },
  { sends: "the beginning of a request", first: "GET / HTTP/1.1\r\nX: ", after: Buffer.from("x") },
  { sends: "no HTTP", first: "\x16\x03\x01\r\n\r\n", after: undefined },
];

test.skipIf(!hasOpenssl).concurrent.each(tls)("over TLS: a client that sends $sends", async (what) => {
  if (secure === undefined) throw new Error("no gateway");
  expect(await kept(secure, what)).toBeLessThan(BOUND_MS);
});
test.concurrent.each(http)("without TLS: a client that sends $sends", async (what) => {
  expect(await kept(plain, what)).toBeLessThan(BOUND_MS);
});
