import { describe, expect, test } from "vitest";
import { type KeyFacts, keyVerdict } from "../../../../../agent/client/diagnose/key-verdict.ts";
import {
  advance,
  lastWords,
  NO_PROGRESS,
  type SshProgress,
} from "../../../../../agent/client/diagnose/ssh-log.ts";
import {
  type TrialTarget,
  trialConfig,
  trialKnownHosts,
} from "../../../../../agent/client/diagnose/trial-ssh-config.ts";
import { encode } from "../../../../../protocol/ssh/wire.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { parseSshAddress } from "../../../../../protocol/values/host-name.ts";
import { parsePublicKey } from "../../../../../protocol/values/ssh-public-key.ts";

const gateway = parseGatewayUrl("https://gateway.example");
const read = (text: string) => text.split("\n").reduce(advance, NO_PROGRESS);

describe("what ssh -v says", () => {
  test("tells the host key, the keys that were offered and the one that was taken", () => {
    const progress = read(
      [
        "OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026",
        "debug1: Server host key: ssh-ed25519 SHA256:host\r",
        "debug1: Host 'dev.gw' is known and matches the ED25519 host key.\r",
        "debug1: Offering public key: /home/me/my keys/id RSA SHA256:one agent\r",
        "debug1: Authentications that can continue: publickey\r",
        "debug1: Offering public key: ada@laptop ED25519 SHA256:two explicit\r",
        "debug1: Server accepts key: ada@laptop ED25519 SHA256:two explicit\r",
        'Authenticated to dev.gw (via proxy) using "publickey".\r',
        "channel 0: open failed: connect failed: no\r",
      ].join("\n"),
    );
    expect(progress).toEqual({
      hostKey: { type: "ssh-ed25519", fingerprint: "SHA256:host" },
      hostKeyTrusted: true,
      offered: [
        { name: "/home/me/my keys/id", type: "RSA", fingerprint: "SHA256:one" },
        { name: "ada@laptop", type: "ED25519", fingerprint: "SHA256:two" },
      ],
      accepted: "SHA256:two",
      authenticated: true,
      messages: ["channel 0: open failed: connect failed: no"],
    });
  });

  test("is understood from older versions, and its last words are those that tell something", () => {
    expect(read("debug1: Authentication succeeded (publickey).").authenticated).toBe(true);
    const progress = read("sallyport: workspace: dev is offline\nConnection closed by UNKNOWN port 65535");
    expect(lastWords(progress)).toBe("sallyport: workspace: dev is offline");
  });

  test("is kept within bounds", () => {
    const progress = read("x".repeat(2_000).concat("\nnoise".repeat(500)));
    expect(progress.messages).toHaveLength(50);
    expect(progress.messages[0]).toHaveLength(500);
  });
});

describe("the verdict on keys", () => {
  const offered = ["a", "b", "c", "d", "e"].map((name) => ({
    name,
    type: "RSA",
    fingerprint: `SHA256:${name}`,
  }));
  const pending: KeyFacts["pending"] = [
    {
      id: "key_a",
      title: "laptop",
      type: "ssh-rsa",
      fingerprint: "SHA256:pending",
      publicKey: "ssh-rsa AAAA",
      createdAt: "2030-01-01T00:00:00Z",
      expiresAt: "2030-01-08T00:00:00Z",
      code: "ada/2345-6789",
    },
  ];
  const verdict = (progress: Partial<SshProgress>, registered?: readonly string[]) => {
    const facts = {
      registered,
      pending,
      ssh: parseSshAddress({ host: "gw.example", port: 2222 }),
      by: "The workspace",
      gateway,
    };
    const result = keyVerdict({ ...NO_PROGRESS, ...progress }, facts);
    return result.status === "fail" || result.status === "warn"
      ? `${result.status} ${result.code}`
      : result.status;
  };

  test.each([
    ["ok", { authenticated: true, offered, accepted: "SHA256:a" }, []],
    ["warn late_key", { authenticated: true, offered, accepted: "SHA256:e" }, []],
    ["ok", { authenticated: true }, []],
    ["fail no_key", {}, ["SHA256:a"]],
    ["fail key_locked", { offered, accepted: "SHA256:b" }, ["SHA256:b"]],
    ["fail key_refused", { offered }, ["SHA256:b"]],
    ["fail key_unregistered", { offered }, ["SHA256:x"]],
    [
      "fail key_unproved",
      { offered: [...offered, { name: "p", type: "RSA", fingerprint: "SHA256:pending" }] },
      ["SHA256:x"],
    ],
    ["fail key_unregistered", { offered }, []],
    ["fail keys_refused", { offered }, undefined],
    [
      "fail too_many_keys",
      { offered, messages: ["Received disconnect: Too many authentication failures"] },
      [],
    ],
  ])("is %s for %j", (expected, progress, registered) => {
    expect(verdict(progress, registered)).toBe(expected);
  });
});

describe("the configuration of a trial", () => {
  const blob = encode("ssh-ed25519", Buffer.alloc(32, 1)).toString("base64");
  const key = parsePublicKey(`ssh-ed25519 ${blob}`);
  const files = { config: "/tmp/a b/config", knownHosts: "/tmp/a b/known", jumpLog: "/tmp/a b/jump" };
  const tunnel: TrialTarget = {
    alias: "dev.gateway.example",
    workspace: "ws_x",
    hostKeys: [key],
    transport: { kind: "tunnel", gateway, companion: ["C:\\Program Files\\s.exe", "tunnel"] },
  };

  test("quotes paths for Windows, and takes the person's file in last", () => {
    const ssh = { program: "ssh", configFile: "D:\\my\\config", platform: "win32" } as const;
    const text = trialConfig(tunnel, files, ssh);
    expect(text).toContain('  ProxyCommand "C:/Program Files/s.exe" tunnel https://gateway.example ws_x\n');
    expect(text).toMatch(/\n {2}Include D:\/my\/config\n$|\n {2}Include "D:\/my\/config"\n$/);
    expect(text).not.toMatch(/StrictHostKeyChecking (?!yes)/);
  });

  test("jumps by an ssh of its own, which pins the gateway's key", () => {
    const direct: TrialTarget = {
      ...tunnel,
      transport: {
        kind: "direct",
        jump: "_gateway.gw",
        ...parseSshAddress({ host: "gw", port: 2222 }),
        hostKeys: [key],
      },
    };
    const ssh = { program: "ssh", configFile: undefined, platform: "linux" } as const;
    const text = trialConfig(direct, files, ssh);
    expect(text).toContain(
      "ProxyCommand ssh -F '/tmp/a b/config' -v -E '/tmp/a b/jump' -W ws_x:22 -- _gateway.gw\n",
    );
    expect(text).toContain('  UserKnownHostsFile "/tmp/a b/known"\n');
    expect(text).toContain("  Include ~/.ssh/config\n");
    expect(trialKnownHosts(direct)).toBe(
      `dev.gateway.example ssh-ed25519 ${blob}\n_gateway.gw ssh-ed25519 ${blob}\n`,
    );
  });
});
