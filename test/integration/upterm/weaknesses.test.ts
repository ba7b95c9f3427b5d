// Weaknesses of upterm's own server that this gateway does not have. (a) and (h) concern hosts too: the tests
// of our host show that it pins the signer of certificates, and that a forced command also restricts SFTP and
// forwarding.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHost } from "../../support/ssh/host-ssh.ts";
import { type TestKey, type UptermHost, UptermStack } from "./harness.ts";
import { BUILD_MS, NO_PEERS } from "./peers.ts";

const note = NO_PEERS === undefined ? "" : ` (skipped: ${NO_PEERS})`;

describe.skipIf(NO_PEERS !== undefined)(
  `a weakness of upterm's server that this gateway does not have${note}`,
  () => {
    let stack: UptermStack;
    let key: TestKey;
    let host: UptermHost;

    beforeAll(async () => {
      stack = await UptermStack.start();
      key = stack.key();
      host = await stack.host({ allow: [key] });
    }, BUILD_MS);
    afterAll(() => stack.close());

    /** The clients that the host was told of since. That an earlier client left may be told at any time. */
    const joined = (after: number) => host.peer.events.slice(after).filter(({ event }) => event === "joined");

    test("(a) a certificate of one's own that names somebody's allowed public key lets nobody in", async () => {
      const mallory = stack.key();
      const after = host.peer.events.length;
      for (const over of ["ssh", "ws"] as const) {
        const tried = await stack.client(mallory, host.session, "whoami", {
          over,
          args: ["-forge", key.line],
        });
        expect(tried.code).toBe(1);
        expect(tried.stderr).toContain("unable to authenticate");
      }
      expect(joined(after)).toEqual([]);
      expect((await stack.client(key, host.session, "say still here")).stdout.toString()).toBe(
        "still here\n",
      );
    });

    test("(a) where anyone may join, such a certificate does not make one somebody else", async () => {
      const open = await stack.host();
      const mallory = stack.key();
      const tried = await stack.client(mallory, open.session, "whoami", { args: ["-forge", key.line] });
      expect(tried.stdout.toString()).not.toContain(key.fingerprint);
    });

    test("(b) an address behind the id, or in a WebSocket's password, is never dialled", async () => {
      let dialled = 0;
      const canary = createServer((socket) => {
        dialled++;
        socket.destroy();
      });
      await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
      const address = canary.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const node = Buffer.from(`127.0.0.1:${port}`).toString("base64url");
      const padded = node.padEnd(Math.ceil(node.length / 4) * 4, "=");
      for (const id of [host.session, "AbCdEfGhIjKlMnOpQrSt"]) {
        const [bySsh, byWs] = await Promise.all([
          stack.client(key, `${id}:${padded}`, "say x"),
          stack.client(key, id, "say x", { over: "ws", args: ["-node", padded] }),
        ]);
        const expected = id === host.session ? 0 : 1;
        expect([bySsh.code, byWs.code]).toEqual([expected, expected]);
      }
      expect(dialled).toBe(0);
      canary.close();
    });

    test("(c) a host can neither listen for another's session nor cancel it", async () => {
      const other = await stack.host();
      for (const request of ["forward", "cancel"]) {
        expect(await other.peer.say(`${request} ${host.session}`)).toMatchObject({ ok: false });
      }
      const stranger = stack.startHost({ args: ["-register=false"] });
      await stranger.event("connected");
      expect(await stranger.say(`forward ${host.session}`)).toMatchObject({ ok: false });
      expect(await stranger.say(`cancel ${host.session}`)).toMatchObject({ ok: false });
      expect((await stack.client(key, host.session, "whoami")).stdout.toString()).toBe(
        `${key.fingerprint}\n`,
      );
    });

    test("(d) a list of keys of which none is usable does not mean everyone", async () => {
      const authority = stack.key();
      const certified = stack.key();
      execFileSync("ssh-keygen", ["-q", "-s", authority.path, "-I", "x", "-n", "x", `${certified.path}.pub`]);
      const line = readFileSync(`${certified.path}-cert.pub`, "utf8").trim();
      const peer = stack.startHost({ allow: [{ ...certified, line }] });
      expect(await peer.event("refused")).toMatchObject({
        reason: "none of the keys that may join is of a known kind",
      });
    });

    test("(e) asking about a key joins nobody: the host is told of a client only after the proof", async () => {
      const after = host.peer.events.length;
      const signIns = stack.log.filter((line) => line.includes("a client joined")).length;
      // ssh with the public half alone asks, is told to go on, and has nothing to sign with.
      const half = stack.file("half", "");
      writeFileSync(`${half}.pub`, `${key.line}\n`);
      const asked = await stack.ssh({ ...key, path: half }, host.session, ["-v", "127.0.0.1", "say x"]);
      expect(asked.code).toBe(255);
      expect(asked.stderr).toContain("Server accepts key");
      expect(joined(after)).toEqual([]);
      expect(stack.log.filter((line) => line.includes("a client joined")).length).toBe(signIns);
    });

    test("(f) a certificate is judged by the key that it certifies, not by the key that signed it", async () => {
      const mallory = stack.key();
      const tried = await stack.client(mallory, host.session, "whoami", { args: ["-authority", key.path] });
      expect(tried.code).toBe(1);
      expect(tried.stdout.toString()).toBe("");
    });

    test("(g) a client that does not read blocks nobody else", async () => {
      const after = host.peer.events.length;
      const slow = stack.startSsh(key, host.session, ["127.0.0.1", "fill 500000000"]);
      await host.peer.event("joined", after);
      // Its first bytes are there and never read, so everything on their way fills up.
      if (slow.stdout !== null) await once(slow.stdout, "readable");
      for (const over of ["ssh", "ws"] as const) {
        const quick = await stack.client(key, host.session, "fill 3000000", { over });
        expect(quick.stdout.length).toBe(3_000_000);
      }
      expect(slow.exitCode).toBeNull();
      slow.kill();
    });
  },
);

test("(h) at a host of ours, a forced command restricts SFTP and forwarding too", async () => {
  const host = await startHost({ permissions: { command: "echo forced", portForwarding: false } });
  try {
    expect((await host.ssh(["ws", "whoami"])).stdout.toString()).toBe("forced\n");
    expect((await host.ssh(["-s", "ws", "sftp"])).stdout.toString()).toBe("forced\n");
    const forwarded = await host.ssh(["-W", `127.0.0.1:${host.port}`, "ws"]);
    expect(forwarded.code).not.toBe(0);
    expect(forwarded.stdout.toString()).toBe("");
  } finally {
    await host.stop();
  }
});
