// The diagnosis against a real gateway, a real ssh and real faults.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diagnose } from "../../../agent/client/diagnose/diagnose.ts";
import { reportMarkdown } from "../../../agent/client/diagnose/render.ts";
import type { StageProgress } from "../../../agent/client/diagnose/report.ts";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { CLI } from "../../../scripts/repository.ts";
import { TestStack } from "../../support/link.ts";
import { type SshServerOptions, stageOf, statuses, World } from "./world.ts";

let world: World;
let mine: string;
beforeAll(async () => {
  world = await World.start();
  mine = world.publicKey(world.key);
});
afterAll(() => world.close());

/** A workspace that is online while `use` runs. */
async function online<T>(
  options: Partial<SshServerOptions>,
  use: (name: string, sshPort: number) => Promise<T>,
): Promise<T> {
  const port = await world.sshServer({ hostKey: world.hostPrivateKey, allowed: [mine], ...options });
  const host = await world.host("dev", port);
  try {
    return await use("dev", port);
  } finally {
    await host.stop();
  }
}

const HEALTHY = {
  dns: "ok",
  tcp: "ok",
  tls: "skipped",
  discovery: "ok",
  websocket: "ok",
  "sign-in": "ok",
  workspace: "ok",
  "host-key": "ok",
  key: "ok",
  exec: "ok",
  forward: "ok",
};

describe("where all is well", () => {
  test("every stage passes, by the tunnel, and is told as it goes", async () => {
    const seen: StageProgress[] = [];
    const report = await online({}, (name) => diagnose(world.options(name), (stage) => seen.push(stage)));
    expect(statuses(report)).toEqual({ ...HEALTHY, "ssh-port": "skipped", "ssh-banner": "skipped" });
    expect(report).toMatchObject({ ok: true, failed: undefined, transport: "tunnel" });
    expect(seen.filter(({ status }) => status !== "running")).toEqual(report.stages);
    expect(seen[0]).toEqual({ status: "running", id: "dns", title: "Gateway's name" });
  });

  test("every stage passes by the gateway's SSH port, and the person's files stay as they are", async () => {
    await online({}, async (name, sshPort) => {
      const jumpKey = world.makeKey("jump-host");
      const jump = await world.sshServer({
        hostKey: readFileSync(jumpKey, "utf8"),
        allowed: [mine],
        jumpTo: sshPort,
      });
      const gateway = await world.withSshPort({ host: "127.0.0.1", port: jump }, [world.publicKey(jumpKey)]);
      const before = tree();
      const report = await world.diagnose(name, { gateway });
      expect(statuses(report)).toEqual({ ...HEALTHY, "ssh-port": "ok", "ssh-banner": "ok" });
      expect(report).toMatchObject({ ok: true, transport: "direct" });
      expect(tree()).toBe(before);

      const impostor = await world.withSshPort({ host: "127.0.0.1", port: jump }, [mine]);
      const wrong = await world.diagnose(name, { gateway: impostor });
      expect(wrong).toMatchObject({ ok: false, failed: "host-key" });
      expect(stageOf(wrong, "host-key")).toMatchObject({
        code: "host_key_mismatch",
        detail: expect.stringContaining("The gateway's SSH port has the host key SHA256:"),
      });

      const closed = await world.sshServer({ hostKey: readFileSync(jumpKey, "utf8"), allowed: [] });
      const strict = await world.withSshPort({ host: "127.0.0.1", port: closed }, [world.publicKey(jumpKey)]);
      const refused = await world.diagnose(name, { gateway: strict });
      expect(statuses(refused)).toMatchObject({ "host-key": "skipped", key: "fail", exec: "skipped" });
      expect(stageOf(refused, "key")?.detail).toMatch(/^The gateway's SSH port refused ED25519 SHA256:/);
    });
  });
});

describe("a fault on the way to the gateway", () => {
  test("is a name that does not exist, and nothing after it is tried", async () => {
    const report = await world.diagnose("dev", { gateway: parseGatewayUrl("https://nowhere.invalid") });
    expect(report).toMatchObject({ ok: false, failed: "dns" });
    const rest = report.stages.slice(1);
    expect(rest.every((stage) => stage.status === "skipped" && stage.blockedBy === "dns")).toBe(true);
    expect(rest[0]?.detail).toBe('Skipped: it needs "Gateway\'s name", which failed.');
  });

  test("is a closed port", async () => {
    const gateway = parseGatewayUrl("http://127.0.0.1:1");
    const report = await world.diagnose("dev", { gateway });
    expect(stageOf(report, "tcp")).toMatchObject({ status: "fail", code: "ECONNREFUSED" });
  });

  test("is a server without TLS where https is expected, or one that is not a gateway", async () => {
    const port = await world.listener((socket) => {
      socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    });
    const tls = await world.diagnose("dev", { gateway: parseGatewayUrl(`https://localhost:${port}`) });
    expect(tls.failed).toBe("tls");
    const http = await world.diagnose("dev", { gateway: parseGatewayUrl(`http://127.0.0.1:${port}`) });
    expect(stageOf(http, "discovery")).toMatchObject({ status: "fail", code: "not_a_gateway" });
    expect(stageOf(http, "sign-in")).toMatchObject({ status: "skipped", blockedBy: "discovery" });
  });

  test("is a certificate that nobody vouches for, or that is about to run out", async () => {
    const [key, cert] = [join(world.home, "tls.key"), join(world.home, "tls.crt")];
    const wanted = ["-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "3"];
    const name = ["-subj", "/O=Test/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    execFileSync("openssl", ["req", "-x509", ...wanted, ...name], { stdio: "ignore" });
    const port = await world.tlsServer(key, cert);
    const gateway = parseGatewayUrl(`https://localhost:${port}`);
    const report = await world.diagnose("dev", { gateway });
    expect(stageOf(report, "tls")).toMatchObject({ status: "fail", code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    const env = { ...world.options("dev").machine.env, NODE_EXTRA_CA_CERTS: cert };
    const trusting = await doctor(["dev", "--json", "--gateway", gateway], env);
    const stages: unknown = JSON.parse(trusting.stdout).stages;
    expect(stages).toContainEqual(
      expect.objectContaining({
        id: "tls",
        code: "certificate_expires_soon",
        detail: expect.stringMatching(/^TLSv1\.3; certificate issued by Test, valid for [23] more days\.$/),
      }),
    );
  });

  test("is an SSH port that takes connections and stays silent: the tunnel is used, unless it was ruled out", async () => {
    const silent = await world.listener(() => undefined);
    const gateway = await world.withSshPort({ host: "127.0.0.1", port: silent }, [mine]);
    await online({}, async (name) => {
      const report = await world.diagnose(name, { gateway });
      expect(statuses(report)).toEqual({ ...HEALTHY, "ssh-port": "ok", "ssh-banner": "warn" });
      expect(report).toMatchObject({ ok: true, transport: "tunnel" });
      const direct = await world.diagnose(name, { gateway, transport: "direct" });
      expect(direct).toMatchObject({ ok: false, failed: "ssh-banner", transport: "direct" });
      expect(statuses(direct)).toMatchObject({ workspace: "ok", "host-key": "skipped" });
    });
  });
});

describe("a fault of sign-in or workspace", () => {
  test("is an expired token, while WebSockets pass", async () => {
    const account = (await world.stack.gateway.store.accounts.list()).find(({ name }) => name === "ada");
    if (account === undefined) throw new Error("ada has an account.");
    const { token } = await world.stack.token(account.id, ["connect"], 1);
    await expect
      .poll(async () => (await world.diagnose("dev", { token })).failed, { interval: 300 })
      .toBe("sign-in");
    const report = await world.diagnose("dev", { token });
    expect(stageOf(report, "sign-in")).toMatchObject({ status: "fail", code: "token_expired" });
    expect(stageOf(report, "websocket")).toMatchObject({ status: "ok" });
    expect(JSON.stringify(report)).not.toContain(token);
  });

  test("is a missing token, or one that may not connect", async () => {
    const none = await world.diagnose("dev", { token: undefined });
    expect(stageOf(none, "sign-in")).toMatchObject({ code: "unauthenticated" });
    const account = (await world.stack.gateway.store.accounts.list()).find(({ name }) => name === "ada");
    const { token } = await world.stack.token(account?.id ?? (await world.stack.account("x")), ["host"]);
    const narrow = await world.diagnose("dev", { token });
    expect(stageOf(narrow, "sign-in")).toMatchObject({ status: "fail", code: "scope_missing" });
  });

  test("is a workspace that is offline, or that nobody knows", async () => {
    await online({}, () => Promise.resolve());
    await expect.poll(async () => (await world.diagnose("dev")).failed).toBe("workspace");
    const offline = await world.diagnose("dev");
    expect(stageOf(offline, "workspace")).toMatchObject({
      code: "workspace_offline",
      detail: expect.stringMatching(/^dev is offline, last seen /),
    });
    expect(stageOf(await world.diagnose("nobody"), "workspace")).toMatchObject({ code: "workspace_unknown" });
  });
});

describe("a fault of SSH", () => {
  test("is another host key than the published one, before any key is offered", async () => {
    const other = world.makeKey("other-host");
    const report = await online({ hostKey: readFileSync(other, "utf8") }, (name) => world.diagnose(name));
    expect(stageOf(report, "host-key")).toMatchObject({ status: "fail", code: "host_key_mismatch" });
    expect(statuses(report)).toMatchObject({ key: "skipped", exec: "skipped", forward: "skipped" });
  });

  test("is a key that the account does not have, or that the workspace does not take", async () => {
    const stranger = world.makeKey("id_stranger");
    await online({ allowed: [] }, async (name) => {
      const unregistered = await world.diagnose(name, { configFile: world.config(stranger) });
      expect(stageOf(unregistered, "key")).toMatchObject({
        code: "key_unregistered",
        detail: expect.stringContaining("~/id_stranger"),
        todo: expect.stringContaining("sallyport keys add"),
      });
      const refused = await world.diagnose(name);
      expect(stageOf(refused, "key")).toMatchObject({ status: "fail", code: "key_refused" });
    });
  });

  test("is a key that waits for its passphrase, or none at all", async () => {
    const locked = world.makeKey("id_locked", "a passphrase");
    await online({ allowed: [world.publicKey(locked)] }, async (name) => {
      const report = await world.diagnose(name, { configFile: world.config(locked) });
      expect(stageOf(report, "key")).toMatchObject({ status: "fail", code: "key_locked" });
      const none = await world.diagnose(name, { configFile: world.config(join(world.home, "missing")) });
      expect(stageOf(none, "key")).toMatchObject({ status: "fail", code: "no_key" });
    });
  });

  test("is a command that fails, a shell that prints, or forwarding that is off", async () => {
    const broken = await online({ status: 127 }, (name) => world.diagnose(name));
    expect(stageOf(broken, "exec")).toMatchObject({ status: "fail", code: "exit_status" });
    const noisy = await online({ noise: "Welcome!\n" }, (name) => world.diagnose(name));
    expect(stageOf(noisy, "exec")).toMatchObject({ status: "warn", code: "noisy_shell" });
    expect(noisy.ok).toBe(true);
    const closed = await online({ noForwarding: true }, (name) => world.diagnose(name));
    expect(closed).toMatchObject({ ok: false, failed: "forward" });
    expect(stageOf(closed, "forward")).toMatchObject({ code: "forwarding_refused" });
  });

  test("is that there is no ssh", async () => {
    const report = await online({}, (name) => world.diagnose(name, { ssh: "/nowhere/ssh" }));
    expect(stageOf(report, "host-key")).toMatchObject({ status: "fail", code: "no_ssh" });
  });

  test("is not what the person's configuration would make of it", async () => {
    const marker = join(world.home, "marker");
    const odd = join(world.home, "odd config");
    writeFileSync(
      odd,
      `Host *\n  IdentityFile ${world.key}\n  IdentityAgent none\n  RemoteCommand sleep 100\n  RequestTTY force\n  LocalForward 1 localhost:1\n  PermitLocalCommand yes\n  LocalCommand touch ${marker}\n  ProxyJump nowhere.invalid\n  ControlMaster auto\n  ControlPath ${world.home}/mux-%C\n  UserKnownHostsFile ${marker}\n`,
    );
    const before = tree();
    const report = await online({}, (name) => world.diagnose(name, { configFile: odd }));
    expect(statuses(report)).toMatchObject({ exec: "ok", forward: "ok" });
    expect(tree()).toBe(before);
  });
});

test("a workspace without an account is diagnosed by its id and a given host key, and the id is not shown", async () => {
  const open = await TestStack.start(["--open"]);
  const port = await world.sshServer({ hostKey: world.hostPrivateKey, allowed: [mine] });
  try {
    const identity = await loadIdentity(join(world.home, "host-state"));
    const host = await open.host({
      state: join(world.home, "host-state"),
      onStream: (stream) => {
        const socket = world.track(connect(port, "127.0.0.1"));
        stream.pipe(socket).pipe(stream);
      },
    });
    const options = { gateway: open.url, token: undefined };
    const unknown = await world.diagnose(host.id, options);
    expect(stageOf(unknown, "host-key")).toMatchObject({ status: "fail", code: "no_host_key" });
    const report = await world.diagnose(host.id, { ...options, hostKeys: [identity.publicKey] });
    expect(report.ok).toBe(true);
    expect(`${JSON.stringify(report)}${reportMarkdown(report)}`).not.toContain(host.id);
  } finally {
    await open.close();
  }
});

test("a diagnosis ends with the reason of its signal", async () => {
  const silent = await world.listener(() => undefined);
  const aborter = new AbortController();
  const reason = new Error("enough");
  const running = diagnose(
    world.options("dev", {
      gateway: parseGatewayUrl(`http://127.0.0.1:${silent}`),
      signal: aborter.signal,
    }),
    (stage) => {
      if (stage.id === "discovery") aborter.abort(reason);
    },
  );
  await expect(running).rejects.toBe(reason);
});

describe("sallyport doctor", () => {
  const run = (...args: string[]) =>
    doctor(args, {
      ...world.options("dev").machine.env,
      TMPDIR: world.temporary,
      SALLYPORT_TOKEN: world.token,
      SALLYPORT_GATEWAY: world.stack.url,
    });

  test("prints a table and ends with 0 where the workspace is reachable, and leaves no secret and no trace", async () => {
    await online({}, async (name) => {
      const { code, stdout, stderr } = await run(name);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(
        /^STAGE +RESULT +TIME +WHAT\nGateway's name +✓ ok +\d+ ms +127\.0\.0\.1 is an address\.\n/,
      );
      expect(stdout).toMatch(/\nThe workspace can be reached through the tunnel over HTTPS\.\n$/);
      expect(stdout).not.toContain(world.token);
      expect(stdout).not.toContain(world.home);
      expect(
        execFileSync("find", [world.temporary, "-name", "sallyport-doctor-*"], { encoding: "utf8" }),
      ).toBe("");
    });
  });

  test("ends with 1 and names the stage where it is not, as a table, JSON and Markdown", async () => {
    const plain = await run("nobody");
    expect(plain.code).toBe(1);
    expect(plain.stdout).toMatch(
      /Workspace \(workspace_unknown\)\n {2}.*\n {2}It means: .*\n {2}What to do: /,
    );
    expect(plain.stdout).toMatch(/It fails at: Workspace\.\n$/);
    const asJson = await run("nobody", "--json");
    expect(JSON.parse(asJson.stdout)).toMatchObject({ ok: false, failed: "workspace" });
    expect(asJson).toMatchObject({ code: 1, stderr: expect.stringContaining("It fails at: Workspace.") });
    const markdown = await run("nobody", "--markdown");
    expect(markdown.stdout).toMatch(/\| Workspace \| ✗ failed \| \d+ ms \| /);
    expect((await run()).code).toBe(2);
    expect((await run("dev", "--transport", "carrier-pigeon")).code).toBe(2);
  });
});

async function doctor(args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [CLI, "doctor", "--ssh-config", world.sshConfig, ...args], { env });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (part) => {
    stdout += String(part);
  });
  child.stderr.on("data", (part) => {
    stderr += String(part);
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

function tree(): string {
  return execFileSync("find", [world.home, "-printf", "%p %s %m\n"], { encoding: "utf8" });
}
