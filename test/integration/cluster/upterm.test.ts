// An upterm host has one connection, to one worker, and all of its streams are in it. Clients may come to any
// worker.

import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Gateway, startGateway } from "../../support/stack.ts";
import { BUILD_MS, buildPeers, NO_PEERS, Peer } from "../upterm/peers.ts";
import { logOf } from "./harness.ts";

const run = promisify(execFile);

describe.skipIf(NO_PEERS !== undefined)("an upterm session", () => {
  let directory: string;
  let gateway: Gateway;
  let peers: { path: string; remove(): void };
  let gatewayKeys: string[];
  const hosts: Peer[] = [];

  beforeAll(async () => {
    peers = buildPeers();
    directory = mkdtempSync(join(tmpdir(), "sallyport-workers-upterm-"));
    const gatewayArgs = ["--http", "127.0.0.1:0", "--workers", "2", "--open", "--log-level", "debug"];
    gateway = await startGateway({ directory, gatewayArgs });
    const discovered: unknown = await (await fetch(`${gateway.url}/.well-known/sallyport`)).json();
    gatewayKeys = Object(discovered).hostKeys;
  }, BUILD_MS);
  afterAll(async () => {
    await Promise.all(hosts.map((host) => host.kill()));
    await gateway?.program.stop();
    peers?.remove();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  const key = (name: string): string => {
    const path = join(directory, name);
    execFileSync("ssh-keygen", ["-q", "-N", "", "-t", "ed25519", "-f", path]);
    return path;
  };

  const startHost = async (name: string, ...args: string[]): Promise<string> => {
    const host = new Peer(peers.path, [
      ...["host", "-server", `ssh://127.0.0.1:${gateway.sshPort}`, "-gateway-key", gatewayKeys[0] ?? ""],
      ...["-identity", key(`${name}-identity`), "-host-key", key(`${name}-host`), ...args],
    ]);
    hosts.push(host);
    return String((await host.event("ready")).session);
  };

  const joins = (user: string, identity: string) => {
    const pins = join(directory, "known_hosts");
    writeFileSync(pins, gatewayKeys.map((line) => `gateway ${line}\n`).join(""));
    return run(
      "ssh",
      [
        ...["-F", "none", "-o", `UserKnownHostsFile=${pins}`, "-o", "GlobalKnownHostsFile=none"],
        ...["-o", "HostKeyAlias=gateway", "-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no"],
        ...["-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes", "-i", identity],
        ...["-p", String(gateway.sshPort), "-l", user, "127.0.0.1", "say joined"],
      ],
      { timeout: 60_000 },
    );
  };

  test("is joined through both workers, by the people that its host allows", async () => {
    const [friend, stranger] = [key("friend"), key("stranger")];
    const session = await startHost("first", "-allow", readFileSync(`${friend}.pub`, "utf8").trim());
    const opened = () => logOf(directory).filter(({ audit }) => audit === "ssh.session.opened");
    for (let i = 0; i < 4; i++) expect((await joins(session, friend)).stdout).toContain("joined");
    await expect.poll(() => new Set(opened().map(({ worker }) => worker))).toEqual(new Set([0, 1]));
    for (let i = 0; i < 2; i++) {
      await expect(joins(session, stranger)).rejects.toMatchObject({
        stderr: expect.stringContaining("Permission denied"),
      });
    }
  });

  test("ends at both workers with its host", async () => {
    const friend = key("guest");
    const session = await startHost("second", "-allow", readFileSync(`${friend}.pub`, "utf8").trim());
    expect((await joins(session, friend)).stdout).toContain("joined");
    await hosts.at(-1)?.kill();
    await expect.poll(() => logOf(directory).some(({ audit }) => audit === "upterm.closed")).toBe(true);
    for (let i = 0; i < 2; i++) {
      await expect(joins(session, friend)).rejects.toMatchObject({
        stderr: expect.stringContaining("Permission denied"),
      });
    }
  });
});
