// Which certificates a host accepts, and what the client is told if it does not.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { issueGatewayCertificate } from "../../../protocol/ssh/gateway-certificate.ts";
import { opensshEd25519 } from "../../../protocol/ssh/private-key.ts";
import { type OriginateOptions, originate } from "../../../protocol/ssh/ssh2/client.ts";
import { newTokenId } from "../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { until } from "../../support/until.ts";
import { type Chain, type Setup, startChain } from "./harness.ts";

let chain: Chain | undefined;
afterEach(async () => {
  await chain?.stop();
  chain = undefined;
});

const start = async (setup: Setup = {}) => {
  chain = await startChain(setup);
  return chain;
};
const newKey = () => opensshEd25519(generateKeyPairSync("ed25519").privateKey);

const tokenId = newTokenId();
const token = (seconds: number) => ({
  person: { kind: "owner-token", tokenId, expiresAt: new Date(Date.now() + seconds * 1000) } as const,
});

async function refusal(setup: Setup, prepare?: (chain: Chain) => void) {
  const { ssh, hostLog, ...rest } = await start(setup);
  prepare?.({ ssh, hostLog, ...rest });
  const { code, stderr, stdout } = await ssh(["gw", "echo let in"]);
  expect(stdout.toString()).toBe("");
  expect(code).toBe(255);
  return { stderr, log: hostLog.join("\n") };
}

describe("a host behind a gateway", () => {
  test("accepts the certificate of the gateway that it is registered at, for an allowed key", async () => {
    const { ssh, hostLog } = await start();
    expect((await ssh(["gw", "echo let in"])).stdout.toString()).toBe("let in\n");
    expect(hostLog.join("\n")).toMatch(/192\.0\.2\.7 \(session\): signed in with SHA256:/);
  });

  test("does not accept a different gateway's certificate", async () => {
    const { stderr, log } = await refusal({ relay: { signingKey: newKey() } });
    expect(stderr).toMatch(/\(sign-in\): the host did not accept the gateway's certificate/);
    expect(log).toContain("a certificate that the gateway of this registration did not sign");
  });

  test("accepts none before it is registered", async () => {
    const { log } = await refusal({ host: { gatewayKeys: () => [] } });
    expect(log).toContain("did not sign");
  });

  test.each(["tunnel", "jump"] as const)("accepts no certificate on a %s stream", async (via) => {
    const { log } = await refusal({ via });
    expect(log).toContain(`a certificate on a ${via} stream`);
  });

  test("refuses a key that is not allowed", async () => {
    const { log } = await refusal({}, ({ allowed }) => {
      allowed.isAllowed = false;
    });
    expect(log).toMatch(/the key SHA256:\S+ is not allowed/);
  });

  test("ends a session when its key is removed, and says so", async () => {
    const { start: run, allowed } = await start();
    const child = run("ssh", ["gw", "echo up; sleep 60"]);
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (data: Buffer) => {
      stdout += data;
    });
    child.stderr?.on("data", (data: Buffer) => {
      stderr += data;
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await until(() => stdout === "up\n");
    allowed.isAllowed = false;
    allowed.changed();
    expect(await ended).toBe(255);
    expect(stderr).toMatch(/The key SHA256:\S+ is no longer allowed/);
  });

  test("admits an owner token, and logs its id", async () => {
    const { ssh, hostLog } = await start({ relay: token(60) });
    expect((await ssh(["gw", "echo let in"])).stdout.toString()).toBe("let in\n");
    expect(hostLog.join("\n")).toContain(`signed in with owner token ${tokenId}`);
  });

  test("refuses owner tokens if it is configured to", async () => {
    const { log } = await refusal({ relay: token(60), host: { ownerTokens: false } });
    expect(log).toContain("--no-owner-token");
  });

  test("refuses an owner token that has expired", async () => {
    const { log } = await refusal({ relay: token(-1) });
    expect(log).toContain(`the owner token ${tokenId} has expired`);
  });

  test("refuses relayed connections if it is end-to-end only", async () => {
    const { stderr, log } = await refusal({ host: { endToEndOnly: true } });
    expect(stderr).toContain("end-to-end connections only: use ssh -J");
    expect(log).toContain("end-to-end connections only");
  });

  /** Signs in at the host as the gateway does, except for what the test changes. */
  const signIn = async (change: Partial<OriginateOptions>) => {
    const { directory, hostPort, hostKey, personKey } = await start();
    const person = {
      proof: { kind: "key", publicKey: parsePublicKey(personKey) } as const,
      address: "",
      clientVersion: "",
    };
    const signingKey = readFileSync(join(directory, "gateway_key"), "utf8");
    return originate(connect(hostPort, "127.0.0.1"), {
      ...issueGatewayCertificate(person, signingKey, "ws", "", new Date()),
      userName: "ws",
      hostKeys: [hostKey],
      identification: "test",
      signal: new AbortController().signal,
      receiver: { receive: () => {}, drain: () => {} },
      ...change,
    });
  };

  test("refuses a client that has a certificate but not its key", async () => {
    const { transport } = await signIn({});
    transport.destroy();
    await chain?.stop();
    const { privateKey } = generateKeyPairSync("ed25519");
    await expect(signIn({ privateKey })).rejects.toThrow("did not accept the gateway's certificate");
    expect(chain?.hostLog.join("\n")).toContain("its signature is wrong");
  });

  test("accepts a certificate for its user name only", async () => {
    await expect(signIn({ userName: "other" })).rejects.toThrow("did not accept");
    expect(chain?.hostLog.join("\n")).toContain("for other principals");
  });

  test("does not check a certificate where anyone is admitted", async () => {
    const { ssh } = await start({ relay: { signingKey: newKey() }, host: { anyone: true } });
    expect((await ssh(["gw", "echo let in"])).stdout.toString()).toBe("let in\n");
  });
});

describe("a gateway in front of a host", () => {
  test("does not sign in at a host whose key is not the link's", async () => {
    const other = await startChain();
    const { hostKey } = other;
    await other.stop();
    const { stderr, log } = await refusal({ hostKeys: [hostKey] });
    expect(stderr).toMatch(/\(host-key\): the host's key is not one that it registered with/);
    expect(log).not.toContain("signed in");
  });

  test("tells the client when the host is gone", async () => {
    const { start: run, links } = await start();
    const child = run("ssh", ["gw", "echo up; sleep 60"]);
    let stderr = "";
    child.stderr?.on("data", (data: Buffer) => {
      stderr += data;
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    links[0]?.destroy();
    expect(await ended).toBe(255);
    expect(stderr).toContain("the host left");
  });

  test("disconnects from the host when the client is gone", async () => {
    const { start: run, links, hostLog } = await start();
    const child = run("ssh", ["gw", "echo up; sleep 60"]);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGKILL");
    await until(() => links[0]?.destroyed === true);
    await until(() => hostLog.join("\n").includes("connection ended"));
  });
});
