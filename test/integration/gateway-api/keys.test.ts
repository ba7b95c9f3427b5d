// An account's keys over the API: added, proved with signatures of the machine's own ssh-keygen, listed and
// removed.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { KEY_PROOF_NAMESPACE, keyProofText } from "../../../protocol/key-proof.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { type TestGateway, temporaryDirectory, testGateway } from "../../support/test-gateway.ts";

const refusal = (status: number, code: string, field?: string) => ({
  status,
  body: { code, message: expect.any(String), ...(field === undefined ? {} : { field }) },
});

interface KeyPair {
  readonly file: string;
  readonly publicKey: string;
  readonly privateKey: string;
  readonly fingerprint: string;
}

function keyPair(type: readonly string[] = ["-t", "ed25519"]): KeyPair {
  const file = join(temporaryDirectory(), "key");
  execFileSync("ssh-keygen", ["-q", ...type, "-N", "", "-C", "ada@laptop", "-f", file]);
  const shown = execFileSync("ssh-keygen", ["-lf", file], { encoding: "utf8" });
  return {
    file,
    publicKey: readFileSync(`${file}.pub`, "utf8"),
    privateKey: readFileSync(file, "utf8"),
    fingerprint: shown.split(" ")[1] ?? "",
  };
}

function sign(file: string, text: string, namespace = KEY_PROOF_NAMESPACE): string {
  const message = join(temporaryDirectory(), "message");
  writeFileSync(message, text);
  execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", file, "-n", namespace, message]);
  return readFileSync(`${message}.sig`, "utf8");
}

/** The text that the holder of `key` signs for this account. */
function proofText(gateway: GatewayUrl, account: string, { fingerprint }: KeyPair, nonce: string): string {
  return keyProofText({ gateway, account: parseName(account), fingerprint, nonce });
}

/** Names a key and proves it, as `sallyport keys add` does. */
async function register({ call, gateway }: TestGateway, who: { name: string; token: string }, key: KeyPair) {
  const { body } = await call("POST", "/keys", who.token, { publicKey: key.publicKey });
  const text = proofText(parseGatewayUrl(gateway.httpUrl), who.name, key, body.nonce);
  return await call("POST", `/keys/${body.id}/proof`, who.token, { signature: sign(key.file, text) });
}

test("a key is added, has the fingerprint that ssh-keygen shows, is proved, listed, and removed", async () => {
  const gateway = await testGateway();
  const { call, account } = gateway;
  const ada = await account("ada");
  const key = keyPair();
  const { publicKey, fingerprint } = key;
  const named = await call("POST", "/keys", ada.token, { publicKey });
  const expected = { title: "ada@laptop", type: "ssh-ed25519", fingerprint };
  expect(named).toMatchObject({ status: 201, body: expected });
  expect((await call("GET", "/keys", ada.token)).body).toEqual([]);
  const { nonce: _, ...waiting } = named.body;
  expect((await call("GET", "/keys/pending", ada.token)).body).toEqual([waiting]);

  const proved = await register(gateway, ada, key);
  expect(proved).toMatchObject({ status: 200, body: { ...expected, id: named.body.id } });
  expect((await call("GET", "/keys", ada.token)).body).toEqual([proved.body]);
  expect((await call("GET", "/keys/pending", ada.token)).body).toEqual([]);
  expect((await call("DELETE", `/keys/${proved.body.id}`, ada.token)).status).toBe(204);
  expect((await call("GET", "/keys", ada.token)).body).toEqual([]);
  expect(await call("DELETE", `/keys/${proved.body.id}`, ada.token)).toMatchObject(refusal(404, "not_found"));

  const again = await call("POST", "/keys", ada.token, { publicKey });
  expect((await call("DELETE", `/keys/${again.body.id}`, ada.token)).status).toBe(204);
  expect((await call("GET", "/keys/pending", ada.token)).body).toEqual([]);
});

test.each([
  ["RSA", ["-t", "rsa", "-b", "2048"]],
  ["ECDSA", ["-t", "ecdsa", "-b", "384"]],
])("a key of type %s is proved too", async (_, type) => {
  const gateway = await testGateway();
  expect((await register(gateway, await gateway.account("ada"), keyPair(type))).status).toBe(200);
});

test("a private key, a damaged key and other text are refused", async () => {
  const { call, account } = await testGateway();
  const bob = await account("bob");
  const { publicKey, privateKey } = keyPair();
  for (const wrong of [privateKey, publicKey.slice(0, 50), "", `x ${publicKey}`.repeat(2)]) {
    expect(await call("POST", "/keys", bob.token, { publicKey: wrong })).toMatchObject(
      refusal(400, "bad_key", "publicKey"),
    );
  }
  expect(await call("POST", "/keys", bob.token, { publicKey: "x".repeat(9000) })).toMatchObject(
    refusal(400, "bad_request", "publicKey"),
  );
});

test("adding somebody's key first does not keep its holder from adding it, and the answers reveal nothing", async () => {
  const gateway = await testGateway();
  const { call, account } = gateway;
  const [ada, mallory] = [await account("ada"), await account("mallory")];
  const key = keyPair();
  const free = await call("POST", "/keys", mallory.token, { publicKey: keyPair().publicKey });
  const squatted = await call("POST", "/keys", mallory.token, { publicKey: key.publicKey });
  const mine = await register(gateway, ada, key);
  expect(mine.status).toBe(200);
  const after = await call("POST", "/keys", mallory.token, { publicKey: key.publicKey });
  const shape = ({ status, body }: typeof free) => ({
    status,
    fields: Object.entries(body).map(([name, value]) => [name, typeof value]),
  });
  expect(shape(squatted)).toEqual(shape(free));
  expect(shape(after)).toEqual(shape(free));
  expect(after.body.id).toBe(squatted.body.id);
});

test("after a proof, the client learns that a key belongs to another account, but not to which", async () => {
  const gateway = await testGateway();
  const [ada, bob] = [await gateway.account("ada"), await gateway.account("bob")];
  const key = keyPair();
  await register(gateway, ada, key);
  const taken = await register(gateway, bob, key);
  expect(taken).toMatchObject(refusal(409, "key_taken", "publicKey"));
  expect(JSON.stringify(taken.body)).not.toContain("ada");
});

describe("a signature is not a proof", () => {
  type Attack = (facts: {
    readonly key: KeyPair;
    readonly url: GatewayUrl;
    readonly nonce: string;
    readonly foreign: string;
  }) => string;
  const attacks: readonly (readonly [string, Attack])[] = [
    ["by another key", ({ key, url, nonce }) => sign(keyPair().file, proofText(url, "ada", key, nonce))],
    [
      "for another purpose",
      ({ key, url, nonce }) => sign(key.file, proofText(url, "ada", key, nonce), "git"),
    ],
    [
      "for another gateway",
      ({ key, nonce }) =>
        sign(key.file, proofText(parseGatewayUrl("https://evil.example"), "ada", key, nonce)),
    ],
    ["for another account", ({ key, url, nonce }) => sign(key.file, proofText(url, "mallory", key, nonce))],
    ["over another's nonce", ({ key, url, foreign }) => sign(key.file, proofText(url, "ada", key, foreign))],
    [
      "that names another key",
      ({ key, url, nonce }) => sign(key.file, proofText(url, "ada", keyPair(), nonce)),
    ],
    [
      "by a certificate for the key",
      ({ key, url, nonce }) => {
        const args = ["-q", "-s", keyPair().file, "-I", "x", "-n", "ada", `${key.file}.pub`];
        execFileSync("ssh-keygen", args);
        return sign(`${key.file}-cert.pub`, proofText(url, "ada", key, nonce));
      },
    ],
    ["that is not one", () => "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"],
    ["that is empty", () => ""],
  ];

  test.each(attacks)("%s", async (_, attack) => {
    const { call, account, gateway } = await testGateway();
    const [ada, mallory] = [await account("ada"), await account("mallory")];
    const key = keyPair();
    const url = parseGatewayUrl(gateway.httpUrl);
    const { body } = await call("POST", "/keys", ada.token, { publicKey: key.publicKey });
    const other = await call("POST", "/keys", mallory.token, { publicKey: key.publicKey });
    const facts = { key, url, nonce: body.nonce, foreign: other.body.nonce };
    const prove = (signature: string) => call("POST", `/keys/${body.id}/proof`, ada.token, { signature });
    expect(await prove(attack(facts))).toMatchObject(refusal(400, "bad_proof", "signature"));
    // The attempt has used up the nonce, so not even a good signature over it counts.
    const late = await prove(sign(key.file, proofText(url, "ada", key, body.nonce)));
    expect(late).toMatchObject(refusal(400, "bad_proof", "signature"));
    expect((await call("GET", "/keys", ada.token)).body).toEqual([]);
  });
});

test("a proof is valid once, and not for a pending key of another account", async () => {
  const { call, account, gateway } = await testGateway();
  const [ada, mallory] = [await account("ada"), await account("mallory")];
  const key = keyPair();
  const { body } = await call("POST", "/keys", ada.token, { publicKey: key.publicKey });
  const text = proofText(parseGatewayUrl(gateway.httpUrl), "ada", key, body.nonce);
  const signature = sign(key.file, text);
  const path = `/keys/${body.id}/proof`;
  expect(await call("POST", path, mallory.token, { signature })).toMatchObject(refusal(404, "not_found"));
  const both = await Promise.all([1, 2].map(() => call("POST", path, ada.token, { signature })));
  expect(both.filter(({ status }) => status === 200)).toHaveLength(1);
  // When the key is removed and added again, the old signature does not prove it.
  expect((await call("DELETE", `/keys/${body.id}`, ada.token)).status).toBe(204);
  const again = await call("POST", "/keys", ada.token, { publicKey: key.publicKey });
  expect(await call("POST", `/keys/${again.body.id}/proof`, ada.token, { signature })).toMatchObject(
    refusal(400, "bad_proof", "signature"),
  );
});

test("a token that may only connect can neither add nor prove keys", async () => {
  const { call, account } = await testGateway();
  const ada = await account("ada", ["connect"]);
  const { publicKey } = keyPair();
  for (const [method, path, body] of [
    ["POST", "/keys", { publicKey }],
    ["GET", "/keys/pending", undefined],
    ["POST", "/keys/key_aaaaaaaaaaaaaaaaaaaaaaaaaa/proof", { signature: "x" }],
  ] as const) {
    expect(await call(method, path, ada.token, body)).toMatchObject(refusal(403, "scope_missing"));
  }
});
