// Every method to sign in at the SSH port, with the machine's own OpenSSH.

import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { SshStack, type TestAccount, type TestHost } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";
import { makeSecurityKey, startAgent } from "../host-ssh/security-key-agent.ts";
import { PATIENT } from "./admission-limits.ts";

let stack: SshStack;
let ada: TestAccount;
let bob: TestAccount;
let host: TestHost;
let id: string;
let ca: string;

beforeAll(async () => {
  stack = await SshStack.start({ limits: { admission: PATIENT } });
  ada = await stack.account("ada");
  bob = await stack.account("bob");
  id = await stack.keyOf(ada, "id");
  ca = stack.key("ca");
  host = await stack.host(ada, "dev");
});
afterAll(() => stack.close());

describe("a registered key", () => {
  test("opens a workspace by its name, and both ends of the session are in the audit log", async () => {
    const result = await stack.ssh(["-i", id, "dev@gw", "echo in; echo err >&2; exit 7"]);
    expect(result).toMatchObject({ stdout: "in\n", stderr: "err\n", code: 7 });
    const key = execFileSync("ssh-keygen", ["-lf", id], { encoding: "utf8" }).split(" ")[1];
    const who = { account: "ada", address: "127.0.0.1", key, token: null };
    expect(await stack.audit("ssh.sign-in")).toEqual([
      expect.objectContaining({ ...who, workspace: host.id, detail: "publickey" }),
    ]);
    expect(await stack.audit("ssh.session.opened")).toEqual([
      expect.objectContaining({ ...who, workspace: host.id }),
    ]);
    const closed = await until(async () => (await stack.audit("ssh.session.closed"))[0]);
    expect(closed).toMatchObject({ ...who, workspace: host.id });
    expect(closed?.bytes_in).toBeGreaterThan(0);
    expect(closed?.bytes_out).toBeGreaterThan(0);
    expect(closed?.duration_ms).toBeGreaterThan(0);
  });

  test("opens a workspace by its id and by its name and owner", async () => {
    expect((await stack.ssh(["-i", id, `${host.id}@gw`, "echo in"])).stdout).toBe("in\n");
    expect((await stack.ssh(["-i", id, "dev.ada@gw", "echo in"])).stdout).toBe("in\n");
  });

  test("opens a workspace that is shared with its account, only by name and owner", async () => {
    const { store } = stack.gateway;
    const identity = await store.authenticate(ada.token);
    const owned = await store.workspaces.resolveOwned(parseWorkspaceRef("dev"), identity);
    await acceptedShare(store, owned, "bob");
    const key = await stack.keyOf(bob, "bob");
    expect((await stack.ssh(["-i", key, "dev.ada@gw", "echo in"])).stdout).toBe("in\n");
    // Without the owner the name is not one of bob's workspaces, so this connection can only jump.
    const bare = await stack.ssh(["-i", key, "dev@gw", "echo in"]);
    expect(bare.stdout).toBe("");
    expect(bare.stderr).toContain("this connection only jumps to workspaces");
  });

  test.each([
    ["RSA with SHA-256", "rsa", ["-t", "rsa", "-b", "2048"], "rsa-sha2-256"],
    ["RSA with SHA-512", "rsa512", ["-t", "rsa", "-b", "2048"], "rsa-sha2-512"],
    ["ECDSA, 256 bits", "ecdsa256", ["-t", "ecdsa", "-b", "256"], "ecdsa-sha2-nistp256"],
    ["ECDSA, 521 bits", "ecdsa521", ["-t", "ecdsa", "-b", "521"], "ecdsa-sha2-nistp521"],
  ])("may be of type %s", async (_, name, type, algorithm) => {
    const key = await stack.keyOf(ada, name, type);
    const result = await stack.ssh([
      ...["-o", `PubkeyAcceptedAlgorithms=${algorithm}`, "-i", key],
      ...["dev@gw", "echo in"],
    ]);
    expect(result).toMatchObject({ stdout: "in\n", code: 0 });
  });

  test("that is RSA does not sign in with SHA-1", async () => {
    const key = await stack.keyOf(ada, "sha1", ["-t", "rsa", "-b", "2048"]);
    const result = await stack.ssh([
      "-o",
      "PubkeyAcceptedAlgorithms=ssh-rsa",
      "-i",
      key,
      "dev@gw",
      "echo in",
    ]);
    expect(result).toMatchObject({ stdout: "", code: 255 });
  });

  test.each([
    ["ed25519", 1, true],
    ["ecdsa", 1, true],
    ["ed25519", 0, false],
  ] as const)("may be a security key: %s with flags %i signs in is %s", async (kind, flags, signsIn) => {
    const key = makeSecurityKey(kind, flags);
    await stack.register(ada, `${key.type} ${key.blob.toString("base64")}`);
    const socket = stack.path(`agent-${kind}-${flags}`);
    const agent = await startAgent(socket, key);
    try {
      const options = ["-o", `IdentityAgent=${socket}`, "-o", "IdentitiesOnly=no"];
      const result = await stack.ssh([...options, "dev@gw", "echo in"]);
      expect(result.stdout).toBe(signsIn ? "in\n" : "");
    } finally {
      agent.stop();
    }
  });
});

test("a key query without a signature changes nothing", async () => {
  // Other lines are about the host, or about connections that have ended.
  const signIns = async () => (await stack.audit()).filter(({ event }) => event.startsWith("ssh.sign-in"));
  const before = await signIns();
  // With only the public key ssh asks, is told yes, and cannot sign.
  copyFileSync(`${id}.pub`, stack.path("asked.pub"));
  const result = await stack.ssh(["-v", "-i", stack.path("asked.pub"), "dev@gw", "echo in"]);
  expect(result).toMatchObject({ stdout: "", code: 255 });
  expect(result.stderr).toContain("Server accepts key");
  expect(await signIns()).toEqual(before);
});

describe("an owner token", () => {
  test.each([
    ["as the answer to a prompt", "keyboard-interactive"],
    ["as a password", "password"],
  ])("opens its workspace %s", async (_, method) => {
    const { token, info } = await stack.ownerToken(ada, "dev");
    const args = ["-o", `PreferredAuthentications=${method}`, "dev@gw", "echo in"];
    const result = await stack.ssh(args, { answers: [token] });
    expect(result).toMatchObject({ stdout: "in\n", code: 0 });
    const prompt = method === "password" ? "dev@127.0.0.1's password: " : "Password (owner token) for dev: ";
    expect(stack.prompts().join("\n")).toContain(prompt);
    const line = (await stack.audit("ssh.sign-in")).at(-1);
    expect(line).toMatchObject({ token: info.id, account: null, key: null, detail: method });
    const everything = [...stack.logLines, JSON.stringify(await stack.audit())].join("\n");
    expect(everything).not.toContain(token);
  });

  test("opens its workspace from the user name, without a prompt", async () => {
    const { token } = await stack.ownerToken(ada, "dev");
    for (const name of ["dev", "dev.ada", host.id]) {
      const result = await stack.ssh(["-l", `${name}#${token}`, "gw", "echo in"]);
      expect(result).toMatchObject({ stdout: "in\n", code: 0 });
    }
    expect(stack.logLines.join("\n")).not.toContain(token);
  });

  test("comes with the advice to register the key that the gateway did not know", async () => {
    const { token } = await stack.ownerToken(ada, "dev");
    const stranger = stack.key("stranger");
    const fingerprint = execFileSync("ssh-keygen", ["-lf", stranger], { encoding: "utf8" }).split(" ")[1];
    const result = await stack.ssh(["-i", stranger, "dev@gw", "echo in"], { answers: [token] });
    expect(result.stdout).toBe("in\n");
    expect(result.stderr).toContain(`does not know your SSH key (${fingerprint})`);
    expect(result.stderr).toContain("sallyport keys add");
  });

  test("is accepted after a wrong answer", async () => {
    const { token } = await stack.ownerToken(ada, "dev");
    const result = await stack.ssh(["dev@gw", "echo in"], { answers: ["wrong", token] });
    expect(result).toMatchObject({ stdout: "in\n", code: 0 });
    expect(stack.prompts()).toHaveLength(2);
  });
});

describe("a user certificate", () => {
  const sign = (key: string, ...options: string[]) =>
    execFileSync("ssh-keygen", ["-q", "-s", ca, "-I", "test", ...options, `${key}.pub`]);
  let certified: SshStack;
  let cara: TestAccount;

  beforeAll(async () => {
    certified = await SshStack.start({ args: ["--user-ca", `${ca}.pub`], limits: { admission: PATIENT } });
    cara = await certified.account("cara");
    await certified.host(cara, "box");
  });
  afterAll(() => certified.close());

  test.each([
    ["ed25519", ["-t", "ed25519"]],
    ["rsa", ["-t", "rsa", "-b", "2048"]],
    ["ecdsa", ["-t", "ecdsa", "-b", "384"]],
  ])(
    "of a configured authority (%s) opens the workspaces of the account that it names",
    async (name, type) => {
      const key = certified.key(`certified-${name}`, type);
      sign(key, "-n", "someone-else,cara", "-V", "-1m:+10m");
      const result = await certified.ssh([
        "-i",
        key,
        "-o",
        `CertificateFile=${key}-cert.pub`,
        "box@gw",
        "echo in",
      ]);
      expect(result).toMatchObject({ stdout: "in\n", code: 0 });
    },
  );

  test("opens a jump as well: its key is lent to the workspace while the connection lasts", async () => {
    const key = certified.key("certified-jump");
    sign(key, "-n", "cara", "-V", "-1m:+10m");
    certified.configure(["Host *", `  IdentityFile ${key}`, `  CertificateFile ${key}-cert.pub`]);
    try {
      const result = await certified.ssh(["-J", "gw", "box", "echo in"]);
      expect(result).toMatchObject({ stdout: "in\n", code: 0 });
    } finally {
      certified.configure();
    }
  });

  test.each([
    ["has expired", ["-n", "cara", "-V", "-10m:-1m"], "The certificate has expired."],
    [
      "is for another address",
      ["-n", "cara", "-O", "source-address=192.0.2.1"],
      "not valid for this address",
    ],
    ["forces a command", ["-n", "cara", "-O", "force-command=true"], "forced command"],
    ["permits too little", ["-n", "cara", "-O", "no-port-forwarding"], "permit-port-forwarding"],
  ])("that %s is refused with the reason", async (name, options, reason) => {
    const key = certified.key(`refused-${name.replaceAll(" ", "-")}`);
    sign(key, ...options);
    const result = await certified.ssh(["-i", key, "box@gw", "echo in"]);
    expect(result).toMatchObject({ stdout: "", code: 255 });
    expect(result.stderr).toContain(reason);
  });

  test.each([
    ["of an authority that is not configured", "id-unknown", ["-n", "cara"]],
    ["without a name in it", "id-nobody", []],
    ["for a name that is not an account", "id-other", ["-n", "dora"]],
  ])("%s is refused without a reason", async (what, name, options) => {
    const key = certified.key(name);
    const authority = what.includes("authority") ? certified.key("other-ca") : ca;
    execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "test", ...options, `${key}.pub`]);
    const result = await certified.ssh(["-i", key, "box@gw", "echo in"]);
    expect(result).toMatchObject({ stdout: "", code: 255 });
    expect(result.stderr.trim()).toBe(
      "box@127.0.0.1: Permission denied (publickey,keyboard-interactive,password).",
    );
  });
});

test("the id of an accountless workspace opens it for any key that the host accepts", async () => {
  const open = await SshStack.start({ args: ["--open"] });
  try {
    const key = open.key("open");
    const shared = await open.host(undefined, "shared", ["--open", "--authorized-keys", `${key}.pub`]);
    expect((await open.ssh(["-i", key, `${shared.id}@gw`, "echo in"])).stdout).toBe("in\n");
    const other = open.key("other");
    expect((await open.ssh(["-i", other, `${shared.id}@gw`, "echo in"])).stdout).toBe("");
    expect((await open.ssh(["-i", key, "shared@gw", "echo in"])).stdout).toBe("");
    expect(readFileSync(`${key}.pub`, "utf8")).toContain("ssh-ed25519");
  } finally {
    await open.close();
  }
});
