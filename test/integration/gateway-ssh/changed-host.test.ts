// A different machine registers under a workspace's name. Plain `ssh workspace@gateway` pins only the
// gateway's key, so it is up to the gateway not to connect anybody to that machine.

import { mkdirSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Person } from "../../support/cli.ts";
import { SshStack, type TestAccount } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";

let stack: SshStack;
let ada: TestAccount;
let person: Person;
beforeEach(async () => {
  stack = await SshStack.start();
  person = new Person();
  ada = await stack.account("ada");
  const id = await stack.keyOf(ada, "id");
  stack.configure(["Host *", `  IdentityFile ${id}`]);
});
afterEach(async () => {
  person.close();
  await stack.close();
});

/** A host token such as somebody could read on a machine that several people share. */
async function hostToken(): Promise<TestAccount> {
  const wanted = { accountId: ada.id, title: "host", scopes: ["host"], expiresInSeconds: null } as const;
  const made = await stack.gateway.store.tokens.create({ ...wanted, reusable: true }, { account: "ada" });
  return { ...ada, token: made.token };
}

test("ssh prod@gateway does not connect to it, and the real host is not shut out, until the owner accepts its key", async () => {
  const read = await hostToken();
  const where = (name: string) => ["--state", stack.path(`state-${name}`), "--cwd", stack.path(name)];
  for (const name of ["true", "thief"]) mkdirSync(stack.path(name));
  const prod = await stack.host(read, "prod", where("true"));
  const pwd = async () => stack.ssh(["prod@gw", "pwd"]);
  expect(await pwd()).toMatchObject({ code: 0, stdout: `${stack.path("true")}\n` });
  await prod.stop();
  await until(() => stack.gateway.registry.get(prod.id) === undefined);

  const coming = stack.host(read, "prod", where("thief"));
  const [held] = await until(async () => {
    const { heldHostKeys } = await stack.owned(ada, "prod");
    return heldHostKeys.length > 0 ? heldHostKeys : undefined;
  });
  const offline = await pwd();
  expect([offline.code, offline.stdout]).toEqual([255, ""]);

  const again = await stack.host(read, "prod", where("true"));
  expect(await pwd()).toMatchObject({ code: 0, stdout: `${stack.path("true")}\n` });
  await again.stop();

  await person.run(["login", stack.gateway.httpUrl], ada.token);
  const list = await person.run(["list"]);
  for (const command of [
    ["ssh", "prod", "true"],
    ["doctor", "prod"],
  ]) {
    const { stdout, stderr } = await person.run(command);
    expect(`${stdout}${stderr}`).toContain("sallyport workspace host-key prod");
  }
  expect(list.stdout).toContain("new host key");
  expect(list.stderr).toContain("sallyport workspace host-key prod");
  const shown = await person.run(["workspace", "host-key", "prod"]);
  expect(shown.stdout).toMatch(/^known {4}SHA256:\S+ {2}ssh-ed25519$/m);
  expect(shown.stdout).toMatch(new RegExp(`^waiting {2}${held?.fingerprint.replace(/[+]/g, "\\+")} `, "m"));
  const accepted = await person.run(["workspace", "host-key", "prod", "--accept", held?.fingerprint ?? ""]);
  expect(accepted).toMatchObject({ code: 0, stderr: expect.stringContaining("takes prod over") });
  expect((await coming).id).toBe(prod.id);
  expect(await pwd()).toMatchObject({ code: 0, stdout: `${stack.path("thief")}\n` });
  const events = (await stack.audit())
    .map(({ event }) => event)
    .filter((event) => event.includes("host-key"));
  expect(events).toEqual([
    "workspace.host-key-held",
    "workspace.host-key-accepted",
    "workspace.host-key-changed",
  ]);
});

test("the CLI makes tokens for one workspace, and refuses wrong arguments", async () => {
  await person.run(["login", stack.gateway.httpUrl], ada.token);
  const create = ["token", "create", "--title", "x", "--scope", "host"];
  const made = await person.run([...create, "--workspace", "devbox"]);
  expect(made.stderr).toContain("for host of the workspace devbox");
  const identity = await stack.gateway.store.authenticate(made.stdout.trim());
  expect(identity.registers).toEqual({ kind: "first", name: "devbox" });
  const reusable = await person.run([...create, "--reusable"]);
  expect((await stack.gateway.store.authenticate(reusable.stdout.trim())).registers).toEqual({ kind: "any" });
  expect((await person.run(["token", "list"])).stdout).toMatch(/ host +devbox .*\n.* host +any /);
  for (const wrong of [
    [...create, "--workspace", "Dev Box"],
    [...create, "--workspace", "devbox", "--reusable"],
    ["workspace"],
    ["workspace", "host-key", "devbox", "--accept", "prod"],
    ["workspace", "host-key", "devbox", "--accept", "SHA256:x", "--decline", "SHA256:x"],
  ]) {
    expect([wrong, (await person.run(wrong)).code]).toEqual([wrong, 2]);
  }
});
