// How long it takes from the request that revokes something until what it had opened has ended, as its client sees it: an open
// tunnel, SSH, and an event stream; with one process and with two. The figures are printed:
//   npx vitest run test/integration/administration/revoke-latency.test.ts

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { parseAccessToken } from "../../../protocol/values/token.ts";
import { registerKeyFile } from "../../../scripts/register-key.ts";
import { LONG } from "../../support/long.ts";
import { Workers } from "../cluster/harness.ts";

const LIMIT_MS = 1_000;

/** One thing that is open. Returns a promise of its end, in an object. */
interface Opened {
  readonly ended: Promise<unknown>;
  /** Takes the right to it away. */
  revoke(): Promise<Response>;
  /** Gives it back for the next round. */
  restore?(): Promise<unknown>;
}
type Open = () => Promise<Opened>;

async function measure(open: Open, rounds: number, between: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { ended, revoke, restore } = await open();
    // With two processes, in turn asked of the one that has it and of the other.
    if (round % 2 === 1) await between();
    const start = performance.now();
    const over = ended.then(() => performance.now() - start);
    const answer = await revoke();
    expect(answer.status).toBe(204);
    times.push(await over);
    await restore?.();
  }
  return times;
}

function report(what: string, workers: number, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  const [median, p99, most] = [at(0.5), at(0.99), at(1)].map((value) => Math.round(value * 10) / 10);
  console.log(
    `${what}, ${workers} process${workers > 1 ? "es" : ""}: median ${median} ms, p99 ${p99} ms, most ${most} ms (${times.length})`,
  );
  expect(at(0.99), `${what} with ${workers}`).toBeLessThan(LIMIT_MS);
}

async function token(workers: Workers): Promise<{ id: string; token: string }> {
  const answer = await workers.call("POST", "tokens", { title: "short", scopes: ["connect"] });
  const body = (await answer.json()) as { token: string; info: { id: string } };
  return { id: body.info.id, token: body.token };
}

function tunnels(workers: Workers): Open {
  return async () => {
    const { id, token: secret } = await token(workers);
    const socket = await workers.tunnel("dev", secret);
    const ended = once(socket, "close");
    socket.resume();
    return { ended, revoke: () => workers.call("DELETE", `tokens/${id}`) };
  };
}

function eventStreams(workers: Workers): Open {
  return async () => {
    const { id, token: secret } = await token(workers);
    const response = await fetch(`${workers.url}/api/v1/events`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    return { ended: response.text(), revoke: () => workers.call("DELETE", `tokens/${id}`) };
  };
}

/** `ssh -W`: by the gateway's SSH port to the workspace, whose host sends back what comes. */
async function ssh(workers: Workers): Promise<Open> {
  const path = join(workers.directory, "id");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
  const api = gatewayApi(workers.url, { token: parseAccessToken(workers.token) });
  await registerKeyFile(api, workers.url, { path });
  const [key] = await api.keys();
  const options = [
    ...[
      "-F",
      "none",
      "-o",
      "StrictHostKeyChecking=no",
      "-o",
      "UserKnownHostsFile=/dev/null",
      "-o",
      "LogLevel=ERROR",
    ],
    ...["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-i", path],
    ...["-p", String(workers.gateway.sshPort), "-W", "dev:22", "any@127.0.0.1"],
  ];
  return async () => {
    const child = spawn("ssh", options, { stdio: ["pipe", "pipe", "ignore"] });
    const ended = once(child, "exit");
    child.stdin.on("error", () => undefined);
    child.stdin.write("open\n");
    await Promise.race([
      once(child.stdout, "data"),
      ended.then(() => {
        throw new Error("ssh ended before it was connected");
      }),
    ]);
    return {
      ended,
      revoke: () => workers.call("POST", `keys/${key?.id}/freeze`),
      restore: () => workers.call("POST", `keys/${key?.id}/unfreeze`),
    };
  };
}

async function all(count: number, rounds: number): Promise<void> {
  const workers = await Workers.start("--workers", String(count));
  onTestFinished(() => workers.close());
  await workers.host("dev");
  const between = () => workers.skipTurn();
  report("tunnel", count, await measure(tunnels(workers), rounds, between));
  report("event stream", count, await measure(eventStreams(workers), rounds, between));
  report("ssh", count, await measure(await ssh(workers), rounds, between));
}

describe.each([1, 2])("Revoking ends what is open within a second, with %i processes", (count) => {
  test("a few times", () => all(count, 10));

  test("a hundred times", LONG, () => all(count, 100));
});
