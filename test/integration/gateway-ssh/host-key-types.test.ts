// Clients that do not know Ed25519: OpenSSH in FIPS mode, and older clients such as JSch. The tests run
// OpenSSH with only the algorithms of such a client and with every host key pinned, by each route into a
// workspace.

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Person } from "../../support/cli.ts";
import { finished, SshStack, type TestAccount } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";

/** The algorithms that OpenSSH offers when its libcrypto is in FIPS mode. */
const FIPS = [
  "KexAlgorithms=ecdh-sha2-nistp256,ecdh-sha2-nistp384,diffie-hellman-group14-sha256",
  "HostKeyAlgorithms=ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256",
  "Ciphers=aes256-gcm@openssh.com,aes256-ctr",
  "MACs=hmac-sha2-256,hmac-sha2-512",
  "PubkeyAcceptedAlgorithms=rsa-sha2-512,rsa-sha2-256",
];
/** JSch 0.1.55: no rsa-sha2-*, no Ed25519, no authenticated encryption. */
const JSCH = [
  "KexAlgorithms=ecdh-sha2-nistp256",
  "HostKeyAlgorithms=ecdsa-sha2-nistp256",
  "Ciphers=aes128-ctr",
  "MACs=hmac-sha2-256",
];
const RSA = ["HostKeyAlgorithms=rsa-sha2-512"];
const RSA_256 = ["HostKeyAlgorithms=rsa-sha2-256"];

let stack: SshStack;
let ada: TestAccount;
let person: Person;
let id: string;
beforeAll(async () => {
  stack = await SshStack.start();
  ada = await stack.account("ada");
  id = await stack.keyOf(ada, "id", ["-t", "rsa", "-b", "2048"]);
  await stack.host(ada, "dev");
  person = new Person();
  await person.run(["login", stack.gateway.httpUrl], ada.token);
});
afterAll(async () => {
  person.close();
  await stack.close();
});

const asked = (options: readonly string[]) => options.flatMap((option) => ["-o", option]);

test.each([
  ["FIPS mode", FIPS],
  ["JSch", JSCH],
  ["RSA with SHA-512", RSA],
  ["RSA with SHA-256", RSA_256],
])("%s gets in over a relayed connection, by a jump and through the tunnel", async (_, options) => {
  const strict = asked(options);
  // Options on the command line do not apply to the connection to the jump host, so they are in the file.
  stack.configure([
    "Host *",
    `  IdentityFile ${id}`,
    ...options.map((option) => `  ${option.replace("=", " ")}`),
  ]);
  const direct = await stack.ssh(["dev@gw", "echo in"]);
  expect(direct).toMatchObject({ code: 0, stdout: "in\n" });
  expect(await stack.ssh(["-J", "gw", "dev", "echo in"])).toMatchObject({ code: 0, stdout: "in\n" });
  const through = await person.run(["ssh", "-i", id, ...strict, "dev", "echo in"]);
  expect(through).toMatchObject({ code: 0, stdout: "in\n" });
});

test("all keys of a workspace are published and pinned, Ed25519 first", async () => {
  const { hostKeys } = await stack.owned(ada, "dev");
  const types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"];
  expect(hostKeys.map((line) => line.split(" ")[0])).toEqual(types);
  const shown = await person.run(["workspace", "host-key", "dev"]);
  expect(shown.stdout.match(/^known .*$/gm)).toHaveLength(3);
  const discovery: unknown = await (await fetch(`${stack.gateway.httpUrl}/.well-known/sallyport`)).json();
  expect(discovery).toMatchObject({ hostKeys: stack.gateway.hostKeys.publicKeys });
  expect(stack.gateway.hostKeys.publicKeys).toHaveLength(3);
});

test("UpdateHostKeys learns the gateway's other keys over the first", async () => {
  stack.configure(["Host *", `  IdentityFile ${id}`]);
  const pins = stack.path("pins");
  const [first = ""] = stack.gateway.hostKeys.publicKeys;
  writeFileSync(pins, `gateway ${first}\n`);
  const options = ["HostKeyAlias=gateway", `UserKnownHostsFile=${pins}`, "UpdateHostKeys=yes"];
  const child = stack.start([...asked(options), "dev@gw", "exec sleep 60"]);
  const ended = finished(child);
  await until(() => readFileSync(pins, "utf8").trim().split("\n").length === 3);
  child.kill();
  await ended;
  const ecdsa = [...options, "UpdateHostKeys=no", ...JSCH];
  expect(await stack.ssh([...asked(ecdsa), "dev@gw", "echo in"])).toMatchObject({ stdout: "in\n" });
});
