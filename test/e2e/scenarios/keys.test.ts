// Keys that the gateway does not know yet, or that are not in ~/.ssh: each case ends in a working connection.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { parseKeyId } from "../../../protocol/values/id.ts";
import { Editor, personEnvironment } from "../harness/editor.ts";
import { emptyHome, MANAGED, makeKey, publicKey, SSH } from "../harness/home.ts";
import { ssh } from "../harness/remote-ssh.ts";
import { expectHandOff, SETTINGS, signIn } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { type Person, World } from "../harness/world.ts";
import { directory } from "../setup/environment.ts";

/** As text of the page, instead of pixels. */
const READABLE_TERMINALS = { "terminal.integrated.gpuAcceleration": "off" };
const ALIAS = "api.sallyport.example";

let world: World;
let ana: Person;
let editor: Editor | undefined;
let agent: ChildProcess | undefined;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  ana = await world.person("ana");
  await world.host(ana, "api");
});

afterAll(() => world?.[Symbol.asyncDispose]());

/** A new machine each time, on which nobody has connected yet. */
beforeEach(async () => {
  emptyHome();
  for (const { id } of await ana.api.keys()) await ana.api.removeKey(parseKeyId(id));
});

afterEach(async () => {
  await editor?.stop();
  agent?.kill();
  agent = undefined;
});

test("no key at all: one is created, registered and pinned", async () => {
  const window = await click();
  await window.quickInputTitled("does not know any of your SSH keys yet");
  await window.screenshot("keys-none");
  await window.choose("Create a key for Sallyport");
  await agreeAndExpectShell(window);
  expect(readdirSync(join(SSH, "sallyport"))).toContain("id_ed25519");
  expect(await ana.api.keys()).toHaveLength(1);
});

test("a key that is not registered is offered by name, registered and pinned", async () => {
  makeKey("id_ed25519");
  makeKey("id_ecdsa", { type: "ecdsa" });
  const window = await click();
  await window.choices.filter({ hasText: "Register id_ed25519 with sallyport.example" }).waitFor();
  await window.choices.filter({ hasText: "Register id_ecdsa with sallyport.example" }).waitFor();
  expect(await window.choices.first().innerText()).toContain("Register id_ed25519");
  await window.screenshot("keys-unregistered");
  await window.choose("Register id_ed25519");
  await agreeAndExpectShell(window);
  expect((await ana.api.keys()).map(({ publicKey: line }) => line.split(" ")[1])).toEqual([
    publicKey(join(SSH, "id_ed25519")).split(" ")[1],
  ]);
  expect(readFileSync(MANAGED, "utf8")).toMatch(/IdentityFile .*id_ed25519\n(.*\n)*?.*IdentitiesOnly yes/);
});

test("a key that only the agent has is found and pinned by its public part, among many others", async () => {
  const env = await startAgent(["one", "two", "three", "four", "five", "six", "seven"]);
  const own = join(directory, "right.pub");
  writeFileSync(own, `${addToAgent("right", env)}\n`);
  await ana.register(own, { env: { ...personEnvironment(), ...env } });
  const window = await click(env);
  await agreeAndExpectShell(window, env);
  expect(readFileSync(MANAGED, "utf8")).toMatch(/IdentityFile .*\.pub/);
  await window.screenshot("keys-agent");
});

test("an encrypted key is recognised without its passphrase, which ssh itself asks for", async () => {
  const key = makeKey("id_ed25519", { passphrase: "open sesame" });
  await ana.register(key, { env: { ...personEnvironment(), ...askpass("open sesame") } });
  rmSync(`${key}.pub`);
  const window = await click();
  await agreeAndExpectShell(window, askpass("open sesame"));
  await window.screenshot("keys-encrypted");
});

test("an encrypted key that is not registered is proved in a terminal, where its passphrase is typed", async () => {
  makeKey("id_ed25519", { passphrase: "open sesame" });
  const window = await click({}, READABLE_TERMINALS);
  await window.choose("Register id_ed25519");
  const terminal = window.page.locator(".terminal-wrapper.active .xterm").first();
  // Input before the question would be discarded.
  await expect.poll(() => terminal.innerText()).toContain("Enter passphrase");
  await terminal.click();
  await window.page.keyboard.type("open sesame\n");
  await agreeAndExpectShell(window, askpass("open sesame"));
  expect(await ana.api.keys()).toMatchObject([{ provedAt: expect.any(String) }]);
});

/** Signs in on a new machine and clicks the workspace. */
async function click(env: NodeJS.ProcessEnv = {}, more: object = {}): Promise<Workbench> {
  editor = await Editor.start({ settings: { ...SETTINGS, ...more }, env });
  const window = await editor.openWindow();
  await signIn(window, ana.token);
  await window.openSidebar();
  await window.row(/^api, online/).click();
  return window;
}

async function agreeAndExpectShell(window: Workbench, env: NodeJS.ProcessEnv = {}): Promise<void> {
  await window.press("Add the Line");
  if (editor !== undefined) await expectHandOff(window, editor, ALIAS);
  expect(await ssh([ALIAS, "echo in"], { env })).toMatchObject({ code: 0, stdout: "in\n" });
  await window.openSidebar();
  await window.row(/^api, online, direct/).waitFor();
}

function askpass(answer: string): NodeJS.ProcessEnv {
  const program = join(directory, "askpass");
  writeFileSync(program, `#!/bin/sh\necho '${answer}'\n`, { mode: 0o700 });
  return { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force", DISPLAY: ":0" };
}

async function startAgent(keys: readonly string[]): Promise<NodeJS.ProcessEnv> {
  const socket = join(directory, "agent.sock");
  rmSync(socket, { force: true });
  agent = spawn("ssh-agent", ["-D", "-a", socket], {
    env: personEnvironment(),
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise((resolve, reject) => agent?.stdout?.once("data", resolve).once("error", reject));
  const env = { SSH_AUTH_SOCK: socket };
  for (const key of keys) addToAgent(key, env);
  return env;
}

/** The key is nowhere else afterwards. Returns its public line. */
function addToAgent(name: string, env: NodeJS.ProcessEnv): string {
  const path = makeKey(`agent-${name}`, { directory });
  const line = publicKey(path);
  execFileSync("ssh-add", ["-q", path], { env: { ...personEnvironment(), ...env }, stdio: "ignore" });
  rmSync(path);
  rmSync(`${path}.pub`);
  return line;
}
