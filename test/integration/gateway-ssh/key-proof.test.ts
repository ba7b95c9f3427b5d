// Proving a key by SSH: a sign-in with a special user name, and a code.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { SshStack, type TestAccount } from "../../support/ssh/gateway-ssh.ts";
import { makeSecurityKey, startAgent } from "../host-ssh/security-key-agent.ts";
import { PATIENT } from "./admission-limits.ts";

let stack: SshStack;
let ada: TestAccount;
let mallory: TestAccount;

beforeAll(async () => {
  stack = await SshStack.start({ limits: { admission: PATIENT } });
  ada = await stack.account("ada");
  mallory = await stack.account("mallory");
  await stack.host(ada, "dev");
  await stack.host(mallory, "dev");
});
afterAll(() => stack.close());

const publicKey = (path: string) => parsePublicKey(readFileSync(`${path}.pub`, "utf8"));
const named = async ({ id, name }: TestAccount, line: string) => {
  const { pendingKeys } = stack.gateway.store;
  return (await pendingKeys.add(id, parsePublicKey(line), "", { account: name })).code;
};
const name = (account: TestAccount, path: string) => named(account, readFileSync(`${path}.pub`, "utf8"));
const ownerOf = async (path: string) =>
  (await stack.gateway.store.accountByKey(publicKey(path).fingerprint))?.name;
const prove = (path: string, ...answers: readonly string[]) =>
  stack.ssh(["-i", path, "prove+key@gw"], { answers });

test("the holder of a key adds it to their account with the code, and can sign in with it", async () => {
  const key = stack.key("mine");
  const code = await name(ada, key);
  expect((await stack.ssh(["-i", key, "dev@gw", "true"])).stderr).toContain("denied");
  const { stderr } = await prove(key, code);
  expect(stack.prompts().join()).toContain("Code shown for this key");
  expect(stderr).toContain(`${publicKey(key).fingerprint} now opens the account ada.`);
  expect((await stack.ssh(["-i", key, "dev@gw", "echo in"])).stdout).toBe("in\n");
  expect(await stack.audit("key.added")).toContainEqual(
    expect.objectContaining({ account: "ada", address: "127.0.0.1", key: publicKey(key).fingerprint }),
  );
});

test("a key that an attacker has added for somebody else belongs to nobody, however its holder signs in", async () => {
  const key = stack.key("victim");
  const code = await name(mallory, key);
  // The holder's usual connections: none may end at the attacker's workspace of the same name.
  for (const args of [
    ["dev@gw", "true"],
    ["gw", "true"],
    ["-J", "gw", "dev", "true"],
    ["dev.mallory@gw", "true"],
  ]) {
    const result = await stack.ssh(["-i", key, ...args]);
    expect(result).toMatchObject({ code: 255, stdout: "" });
  }
  // A link or the URL of a submodule may choose the user name, and contain the code, but it cannot type.
  for (const user of ["prove+key", `prove+key#${code}`, code.replace("/", "+"), `prove+key+${code}`]) {
    expect((await stack.ssh(["-i", key, "-l", user, "gw", "true"])).code).toBe(255);
  }
  expect(await ownerOf(key)).toBeUndefined();
  // The holder can still add the key.
  await prove(key, await name(ada, key));
  expect(await ownerOf(key)).toBe("ada");
  const late = await prove(key, code, code, code);
  expect(late.stderr).not.toContain("now opens the account");
  expect(await ownerOf(key)).toBe("ada");
});

test("if two accounts have added a key, the code that its holder types decides which of them gets it", async () => {
  const key = stack.key("two");
  const codes = [await name(mallory, key), await name(ada, key)];
  const wrong = await prove(key, "ada/2222-2222", codes[0]?.replace("mallory", "ada") ?? "", codes[1] ?? "");
  expect(wrong.stderr).toContain("This is not the code for this key.");
  expect(wrong.stderr).toContain("now opens the account ada.");
  expect(await ownerOf(key)).toBe("ada");
});

test("without the private key a code is useless, and a key that nobody has added is not even asked to sign", async () => {
  const key = stack.key("held");
  const code = await name(ada, key);
  const other = stack.key("other");
  const result = await prove(other, code, code, code);
  expect(result.code).toBe(255);
  expect(await ownerOf(key)).toBeUndefined();
  const log = await stack.ssh([
    "-v",
    "-i",
    other,
    "-o",
    "PreferredAuthentications=publickey",
    "prove+key@gw",
  ]);
  expect(log.stderr).toContain("Offering public key");
  expect(log.stderr).not.toContain("Server accepts key");
});

test("a registered key proves nothing here", async () => {
  const key = await stack.keyOf(ada, "registered");
  expect((await stack.ssh(["-v", "-i", key, "prove+key@gw"])).stderr).not.toContain("Server accepts key");
});

test("a security key is proved by a touch", async () => {
  const security = makeSecurityKey("ed25519");
  const agent = await startAgent(stack.path("agent.sock"), security);
  try {
    const code = await named(ada, `${security.type} ${security.blob.toString("base64")}`);
    const agentOnly = ["-o", `IdentityAgent=${stack.path("agent.sock")}`, "-o", "IdentitiesOnly=no"];
    const { stderr } = await stack.ssh([...agentOnly, "prove+key@gw"], { answers: [code] });
    expect(stderr).toContain("now opens the account ada.");
  } finally {
    agent.stop();
  }
});
