import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { KeyAuthority } from "../../../agent/host/ssh/sign-in/allowed-keys.ts";
import { AllowedKeys } from "../../../agent/host/ssh/sign-in/allowed-keys.ts";
import type { StreamInfo } from "../../../agent/host/ssh/ssh-server.ts";
import {
  grant,
  type Host,
  type HostSetup,
  makeKey,
  publicKey,
  startHost,
} from "../../support/ssh/host-ssh.ts";
import { until } from "../../support/until.ts";
import { makeSecurityKey, startAgent } from "./security-key-agent.ts";

const hosts: Host[] = [];
async function started(setup?: HostSetup): Promise<Host> {
  const host = await startHost(setup);
  hosts.push(host);
  return host;
}
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});
const none: KeyAuthority = { allowed: () => undefined, onChange: () => () => {} };

describe("a key of OpenSSH's", () => {
  test.each([
    ["ed25519", ["-t", "ed25519"], []],
    ["ECDSA 256", ["-t", "ecdsa", "-b", "256"], []],
    ["ECDSA 384", ["-t", "ecdsa", "-b", "384"], []],
    ["ECDSA 521", ["-t", "ecdsa", "-b", "521"], []],
    ["RSA", ["-t", "rsa", "-b", "2048"], []],
    ["RSA with SHA-256", ["-t", "rsa", "-b", "2048"], ["-o", "PubkeyAcceptedAlgorithms=rsa-sha2-256"]],
    ["RSA with SHA-512", ["-t", "rsa", "-b", "2048"], ["-o", "PubkeyAcceptedAlgorithms=rsa-sha2-512"]],
  ])("signs in: %s", async (_name, keyType, options) => {
    const host = await started({ keyType });
    expect((await host.ssh([...options, "ws", "echo in"])).stdout.toString()).toBe("in\n");
  });

  test("does not sign in by RSA with SHA-1", async () => {
    const host = await started({ keyType: ["-t", "rsa", "-b", "2048"] });
    const result = await host.ssh(["-o", "PubkeyAcceptedAlgorithms=ssh-rsa", "ws", "echo in"]);
    expect([result.code, result.stdout.toString()]).toEqual([255, ""]);
  });

  test("finds an RSA or ECDSA host key too", async () => {
    for (const hostKeyType of [
      ["-t", "rsa", "-b", "2048"],
      ["-t", "ecdsa", "-b", "521"],
    ]) {
      const host = await started({ hostKeyType });
      expect((await host.ssh(["ws", "echo in"])).stdout.toString()).toBe("in\n");
    }
  });
});

describe("a security key", () => {
  test.each([
    ["ed25519", 1, {}, true],
    ["ecdsa", 1, {}, true],
    ["ed25519", 0, {}, false],
    ["ecdsa", 0, {}, false],
    ["ecdsa", 0, { touchRequired: false }, true],
    ["ed25519", 1, { verificationRequired: true }, false],
    ["ed25519", 5, { verificationRequired: true }, true],
  ] as const)("%s with flags %i under %j: signs in is %s", async (kind, flags, permissions, signsIn) => {
    const key = makeSecurityKey(kind, flags);
    const host = await started({
      allowed: {
        allowed: ({ blob }) => (blob.equals(key.blob) ? grant(blob, permissions) : undefined),
        onChange: () => () => {},
      },
    });
    const socket = join(host.directory, "sk.sock");
    const agent = await startAgent(socket, key);
    try {
      const result = await host.ssh([
        "-o",
        `IdentityAgent=${socket}`,
        "-o",
        "IdentitiesOnly=no",
        "-o",
        "IdentityFile=none",
        "ws",
        "echo in",
      ]);
      expect(result.stdout.toString()).toBe(signsIn ? "in\n" : "");
    } finally {
      agent.stop();
    }
  });
});

describe("a client that is not allowed", () => {
  test("is refused, and the connection after six tries is ended", async () => {
    const host = await started({ allowed: none });
    const files = Array.from({ length: 8 }, (_, index) => {
      const path = join(host.directory, `other${index}`);
      makeKey(path, ["-t", "ed25519"]);
      return ["-i", path];
    });
    const result = await host.ssh(["-v", ...files.flat(), "ws", "echo in"]);
    expect(result.code).toBe(255);
    expect(result.stderr).toMatch(/Too many authentication failures/);
    expect(result.stderr.match(/Offering public key/g)).toHaveLength(6);
  });

  test("is not let in by a password or a prompt", async () => {
    const host = await started({ allowed: none });
    const result = await host.ssh(["ws", "echo in"]);
    expect(result.stderr).toMatch(/Permission denied \(publickey\)/);
  });

  test("is cut off when signing in takes too long, from the first byte on", async () => {
    const host = await started({ limits: { loginTimeoutMs: 300 } });
    const silent = connect({ host: "127.0.0.1", port: host.port });
    const half = connect({ host: "127.0.0.1", port: host.port });
    half.write("SSH-2.0-slow\r\n");
    const closed = [silent, half].map((socket) => {
      // The end is a reset where the connection is cut before its bytes are read.
      socket.resume().on("error", () => {});
      return new Promise((resolve) => socket.once("close", resolve));
    });
    await Promise.all(closed);
    await until(() => host.server.connections === 0);
  });

  test("has no more than its share of the connections that wait for sign-in", async () => {
    // None of them is ever idle.
    const host = await started({ limits: { pendingLogins: 4, stalledLoginMs: 60_000 } });
    const sockets = [1, 2, 3].map(() => connect({ host: "127.0.0.1", port: host.port }));
    const third = new Promise((resolve) => sockets[2]?.once("close", resolve));
    for (const socket of sockets) socket.resume().on("error", () => {});
    await third;
    expect(host.server.connections).toBe(2);
    for (const socket of sockets) socket.destroy();
    await until(() => host.server.connections === 0);
    expect((await host.ssh(["ws", "echo in"])).stdout.toString()).toBe("in\n");
  });

  test.each(["an account", "an address"])(
    "of %s keeps neither others nor itself out with 300 silent connections",
    async (shared) => {
      let peer: StreamInfo = { address: "192.0.2.7", account: null, via: "tunnel" };
      let made = 0;
      const host = await started({
        peer: () => {
          made++;
          return peer;
        },
      });
      const silent = await Promise.all(
        Array.from({ length: 300 }, async (_, i) => {
          peer =
            shared === "an account" ? { ...peer, account: "mallory", address: `192.0.2.${i % 200}` } : peer;
          const socket = connect({ host: "127.0.0.1", port: host.port });
          socket.resume().on("error", () => {});
          await new Promise((resolve) => socket.once("connect", resolve));
          return socket;
        }),
      );
      await until(() => made === 300);
      expect(host.server.connections).toBeLessThanOrEqual(50);
      const own = { ...peer };
      peer = { address: "198.51.100.1", account: "ada", via: "tunnel" };
      expect((await host.ssh(["ws", "echo in"])).stdout.toString()).toBe("in\n");
      // The one that has been idle longest makes room for the next of the same holder.
      peer = own;
      expect((await host.ssh(["ws", "echo in"])).stdout.toString()).toBe("in\n");
      for (const socket of silent) socket.destroy();
    },
  );

  test("gets nothing for bytes that are not SSH", async () => {
    const host = await started();
    const socket = connect({ host: "127.0.0.1", port: host.port });
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\n\r\n");
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
    expect((await host.ssh(["ws", "echo in"])).stdout.toString()).toBe("in\n");
  });
});

describe("anyone", () => {
  test("signs in without a key where the host allows it", async () => {
    const host = await started({ allowed: none, anyone: true });
    const result = await host.ssh(["-o", "PubkeyAuthentication=no", "ws", "echo in"]);
    expect(result.stdout.toString()).toBe("in\n");
  });
});

describe("the host's own keys file", () => {
  test("decides at once about new and about live connections", async () => {
    const lines: string[] = [];
    const log = (text: string) => void lines.push(text);
    const file = join((await started()).directory, "authorized_keys");
    const allowed = await AllowedKeys.open({
      files: [file],
      log: { debug: log, info: log, warn: log, error: log },
    });
    const host = await started({ allowed });
    try {
      expect((await host.ssh(["ws", "echo in"])).code).toBe(255);

      const blob = publicKey(join(host.directory, "id")).toString("base64");
      writeFileSync(file, `ssh-ed25519 ${blob}\n`, { mode: 0o600 });
      await until(async () => (await host.ssh(["ws", "echo in"])).code === 0);

      const live = host.start(["ws", "echo $$; exec sleep 300"]);
      let output = "";
      live.stdout?.on("data", (data: Buffer) => {
        output += data.toString();
      });
      await until(() => output !== "");
      let errors = "";
      live.stderr?.on("data", (data: Buffer) => {
        errors += data.toString();
      });
      writeFileSync(file, "# nobody\n");
      await new Promise((resolve) => live.once("close", resolve));
      expect(errors).toContain("is no longer allowed");
      expect((await host.ssh(["ws", "echo in"])).code).toBe(255);
    } finally {
      allowed.close();
    }
  });
});

describe("a key confined to a command", () => {
  const confined = (command: string) => started({ permissions: { command, portForwarding: false } });

  test("runs it instead of a command, a shell and sftp", async () => {
    const host = await confined('echo "<$SSH_ORIGINAL_COMMAND>"');
    expect((await host.ssh(["ws", "rm -rf x"])).stdout.toString()).toBe("<rm -rf x>\n");
    expect((await host.ssh(["ws"])).stdout.toString()).toBe("<>\n");
    expect((await host.ssh(["-s", "ws", "sftp"])).stdout.toString()).toBe("<internal-sftp>\n");
  });

  test("passes on no variables except the language", async () => {
    const host = await confined("env");
    const result = await host.ssh(["-o", "SetEnv=MY_SETTING=1 LC_TIME=C", "ws"]);
    expect(result.stdout.toString()).toContain("LC_TIME=C\n");
    expect(result.stdout.toString()).not.toContain("MY_SETTING");
  });

  test("has sftp where that is the command, and nothing besides", async () => {
    const host = await confined("internal-sftp -R");
    const version = Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]);
    const result = await host.ssh(["ws", "echo around"], version);
    expect([...result.stdout.subarray(4, 9)]).toEqual([2, 0, 0, 0, 3]);
    const other = await confined("internal-sftp -d /tmp");
    expect((await other.ssh(["ws", "echo around"])).stdout.toString()).toBe("");
  });
});
