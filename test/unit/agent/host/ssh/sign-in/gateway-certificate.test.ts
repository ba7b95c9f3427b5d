import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type GatewayPolicy,
  vouchedFor,
} from "../../../../../../agent/host/ssh/sign-in/gateway-certificate.ts";
import { ALL_PERMISSIONS } from "../../../../../../agent/host/ssh/sign-in/key-grant.ts";
import { ED25519_CERTIFICATE } from "../../../../../../protocol/ssh/certificate.ts";
import {
  issueGatewayCertificate,
  type ProvedBy,
} from "../../../../../../protocol/ssh/gateway-certificate.ts";
import { newTokenId } from "../../../../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../../../../protocol/values/ssh-public-key.ts";

const ISSUED = Date.parse("2030-01-01T00:00:00Z");
const MINUTE = 60_000;
const at = (minutes: number) => new Date(ISSUED + minutes * MINUTE);

let directory: string;
let signingKey: string;
let policy: GatewayPolicy;
let person: ProvedBy;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-vouched-"));
  const path = join(directory, "gateway");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
  signingKey = readFileSync(path, "utf8");
  const line = readFileSync(`${path}.pub`, "utf8");
  person = { kind: "key", publicKey: parsePublicKey(line) };
  policy = {
    gatewayKeys: () => [line],
    gatewayTime: () => undefined,
    ownerTokens: true,
    via: "session",
    allowed: () => ({ account: null, fingerprint: "", permissions: ALL_PERMISSIONS }),
  };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function vouch(proof: ProvedBy, times: readonly [Date, ...Date[]]) {
  const who = { proof, address: "192.0.2.1", clientVersion: "SSH-2.0-x" };
  const { certificate } = issueGatewayCertificate(who, signingKey, "dev", "x", at(0));
  const key = { algo: ED25519_CERTIFICATE, data: certificate };
  return () => vouchedFor({ key, username: "dev" }, policy, times);
}

describe("a certificate of the gateway's", () => {
  test.each([
    ["this machine's clock alone", [at(0)]],
    ["both clocks", [at(0), at(0.5)]],
    ["the gateway's, where this machine's is behind", [at(-600), at(0)]],
    ["the gateway's, where this machine's is ahead", [at(600), at(0)]],
    ["this machine's, where the gateway's is off", [at(0), at(600)]],
  ] as const)("is taken by %s", (_, times) => {
    expect(vouch(person, times)().grant.account).toBeNull();
  });

  test.each([
    [[at(2)], "expired"],
    [[at(-2)], "not valid yet"],
    [[at(2), at(1)], "expired"],
    [[at(-2), at(-1.1)], "not valid yet"],
    // Not in between either.
    [[at(-2), at(2)], "not valid yet"],
  ] as const)("is refused outside its two minutes by every clock: %o", (times, why) => {
    expect(vouch(person, times)).toThrow(why);
  });
});

test("an owner token is refused once it has expired by every clock, and not when only a wrong clock is past it", () => {
  const proof = (minutes: number): ProvedBy => ({
    kind: "owner-token",
    tokenId: newTokenId(),
    expiresAt: at(minutes),
  });
  expect(vouch(proof(30), [at(600), at(0)])().key).toBeUndefined();
  expect(vouch(proof(-1), [at(0), at(0.5)])).toThrow("has expired");
});
