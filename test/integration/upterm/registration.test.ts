// Unmodified upterm hosts register over SSH and over WebSocket, and nobody can register a session of somebody
// else.

import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UptermStack, until } from "./harness.ts";
import { BUILD_MS, NO_PEERS } from "./peers.ts";

const note = NO_PEERS === undefined ? "" : ` (skipped: ${NO_PEERS})`;

describe.skipIf(NO_PEERS !== undefined)(`a gateway with --open${note}`, () => {
  let stack: UptermStack;
  beforeAll(async () => {
    stack = await UptermStack.start();
  }, BUILD_MS);
  afterAll(() => stack.close());

  test.each(["ssh", "ws"] as const)("registers a host that comes by %s", async (over) => {
    const identity = stack.key();
    const { peer, session } = await stack.host({ over, identity });
    expect(session).toMatch(/^[A-Za-z0-9]{20}$/);
    expect(await peer.event("created")).toMatchObject({ user: session, redial: false });
    expect(String((await peer.event("created")).node)).toMatch(/:\d+$/);
    await until(() => stack.audited("upterm.registered").some(({ key }) => key === identity.fingerprint));
    expect(JSON.stringify(stack.log)).not.toContain(session);
  });

  test("answers a host's keepalive, and opens no channel for it", async () => {
    const { peer } = await stack.host();
    expect(await peer.say("keepalive")).toMatchObject({ ok: true });
    expect(await peer.say("channel")).toMatchObject({ ok: false });
  });

  test("gives a connection one session", async () => {
    const { peer } = await stack.host();
    expect(await peer.say("create", "refused")).toMatchObject({
      reason: "this connection has had its session",
    });
  });

  test("ends the session with the connection", async () => {
    const key = stack.key();
    const { peer, session } = await stack.host({ allow: [key] });
    expect((await stack.client(key, session, "say hello")).stdout.toString()).toBe("hello\n");
    await peer.kill();
    await until(async () => (await stack.client(key, session, "say hello")).code !== 0);
    await until(() => stack.audited("upterm.closed").length > 0);
  });

  test("ends the session when the host cancels its forward", async () => {
    const key = stack.key();
    const { peer, session } = await stack.host({ allow: [key] });
    expect(await peer.say(`cancel ${session}`)).toMatchObject({ ok: true });
    expect((await stack.client(key, session, "say hello")).code).not.toBe(0);
  });

  test("does not let people in before the host asks for connections", async () => {
    const key = stack.key();
    const peer = stack.startHost({ allow: [key], args: ["-register=false"] });
    const { session } = await peer.say("create", "created");
    const early = await stack.client(key, String(session), "say hello");
    expect(early.stderr).toContain("unable to authenticate");
  });

  describe("a host that can redial", () => {
    const secret = () => randomBytes(16).toString("hex");

    test("comes back under the same id, and its older connection is ended", async () => {
      const [key, hostKey, same] = [stack.key(), stack.key(), secret()];
      const args = ["-secret", same];
      const first = await stack.host({ hostKey, allow: [key], args });
      expect(await first.peer.event("created")).toMatchObject({ redial: true });
      const second = await stack.host({ hostKey, allow: [key], args: [...args, "-generation", "2"] });
      expect(second.session).toBe(first.session);
      expect(await first.peer.exited).toBe(3);
      expect((await stack.client(key, second.session, "say back")).stdout.toString()).toBe("back\n");
    });

    test("is refused by name when a newer registration holds the id", async () => {
      const [hostKey, same] = [stack.key(), secret()];
      await stack.host({ hostKey, args: ["-secret", same, "-generation", "2"] });
      const late = stack.startHost({ hostKey, args: ["-secret", same, "-generation", "2"] });
      expect(await late.event("refused")).toMatchObject({
        reason: "upterm: superseded by a newer registration",
      });
    });

    test.each([
      ["for another connection", (s: string) => ["-secret", s, "-stale-proof"]],
      ["by a different key than the one that it registers", (s: string) => ["-secret", s, "-claim"]],
      ["over a secret of the wrong length", (s: string) => ["-secret", s.slice(2)]],
    ])("is refused with a proof made %s", async (_what, args) => {
      const given = args(secret());
      if (given.at(-1) === "-claim") given.push(stack.key().line);
      const peer = stack.startHost({ args: given });
      expect(await peer.event("refused")).toMatchObject({ reason: "upterm: session proof refused" });
    });
  });
});

describe.skipIf(NO_PEERS !== undefined)(`a gateway with --host-keys-allowed${note}`, () => {
  let stack: UptermStack;
  let directory: string;
  let file: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "sallyport-allowed-"));
    file = join(directory, "allowed");
    writeFileSync(file, "# nobody yet\n");
    stack = await UptermStack.start(["--host-keys-allowed", file]);
  }, BUILD_MS);
  afterAll(async () => {
    await stack.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(["ssh", "ws"] as const)(
    "lets a host register by %s once its key is in the file",
    async (over) => {
      const identity = stack.key();
      const refused = stack.startHost({ over, identity });
      expect(await refused.exited).toBe(1);
      expect(refused.stderr).toContain("unable to authenticate");
      writeFileSync(file, `${identity.line}\n# ${createHash("sha256").update(over).digest("hex")}\n`);
      const { peer } = await stack.host({
        over,
        identity,
        args: ["-secret", randomBytes(16).toString("hex")],
      });
      // A redial has to bring the key of the file again.
      expect(await peer.event("created")).toMatchObject({ redial: false });
    },
  );

  test("refuses a host that names a key of the file and signs with a different one", async () => {
    const known = stack.key();
    writeFileSync(file, `${known.line}\n`);
    const peer = stack.startHost({ args: ["-impersonate", known.line] });
    expect(await peer.exited).toBe(1);
    expect(peer.stderr).toContain("unable to authenticate");
  });

  test("does not take a key with options in front", async () => {
    const identity = stack.key();
    writeFileSync(file, `cert-authority ${identity.line}\n`);
    expect(await stack.startHost({ identity }).exited).toBe(1);
  });
});

describe.skipIf(NO_PEERS !== undefined)(`a gateway without --open${note}`, () => {
  let stack: UptermStack;
  beforeAll(async () => {
    stack = await UptermStack.start([]);
  }, BUILD_MS);
  afterAll(() => stack.close());

  test("says so to a host that registers", async () => {
    const peer = stack.startHost();
    expect(await peer.event("refused")).toMatchObject({
      reason: expect.stringContaining("--host-keys-allowed"),
    });
    await until(() => stack.audited("upterm.refused").length > 0);
  });
});
