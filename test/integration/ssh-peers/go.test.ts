// The post-quantum key exchange, and signals, with an independent implementation: Go's
// golang.org/x/crypto/ssh as the client of a host. (../re-origination/packets.test.ts uses it as a server
// behind a gateway.)

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LONG, shortAndLong } from "../../support/long.ts";
import { type Host, startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { buildPeers, NO_PEERS, type Peers } from "./peers.ts";

const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

describe.skipIf(NO_PEERS !== undefined)(`Go's SSH client (${NO_PEERS ?? "built here"}) at our host`, () => {
  let peers: Peers;
  let host: Host;
  beforeAll(async () => {
    peers = buildPeers();
    host = await startHost();
  }, 120_000);
  afterAll(async () => {
    await host?.stop();
    peers?.remove();
  });

  const run = (more: readonly string[], input: Buffer) =>
    finish(
      spawn(peers.client, [
        "-address",
        `127.0.0.1:${host.port}`,
        "-key",
        join(host.directory, "id"),
        "-host-key",
        join(host.directory, "host_key.pub"),
        ...more,
      ]),
      input,
    );

  test("agrees on mlkem768x25519-sha256 if it offers nothing else", async () => {
    const { code, stdout, stderr } = await run([], Buffer.from("hello"));
    expect(stderr).toContain('"kex":"mlkem768x25519-sha256"');
    expect([code, stdout.toString()]).toEqual([0, "hello"]);
  });

  for (const [some, options] of shortAndLong(
    ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes128-ctr"],
    1,
  )) {
    test.each(some)("exchanges keys by it again and again under %s", options, async (cipher) => {
      const data = randomBytes(5_000_000);
      const { code, stdout } = await run(["-cipher", cipher, "-rekey", "300000"], data);
      expect(code).toBe(0);
      expect(sha256(stdout)).toBe(sha256(data));
    });
  }

  test("still agrees on the algorithms of earlier versions", LONG, async () => {
    const { code, stderr } = await run(["-kex", "curve25519-sha256"], Buffer.alloc(0));
    expect([code, stderr]).toEqual([0, expect.stringContaining('"kex":"curve25519-sha256"')]);
  });

  test("ends a command by a signal that is sent right after it, every time", LONG, async () => {
    for (let round = 0; round < 5; round++) {
      const { code, stderr } = await run(["-command", "sleep 300", "-signal", "TERM"], Buffer.alloc(0));
      expect([code, stderr]).toEqual([1, expect.stringContaining("from signal TERM")]);
    }
  });
});
