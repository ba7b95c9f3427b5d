// Credentials that change: owner tokens as passwords, machines that change their key, sign-ins that are revoked.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseTokenId } from "../../../protocol/values/id.ts";
import { Editor } from "../harness/editor.ts";
import { emptyHome, makeKey, SSH } from "../harness/home.ts";
import { RemoteWindow, ssh } from "../harness/remote-ssh.ts";
import { connectByClick, expectHandOff, SETTINGS, signIn } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { type Host, type Person, World } from "../harness/world.ts";
import { directory } from "../setup/environment.ts";

const ALIAS = "api.sallyport.example";

let world: World;
let ana: Person;
let api: Host;
let editor: Editor;
let window: Workbench;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  ana = await world.person("ana");
  await ana.register(makeKey("id_ed25519"));
  api = await world.host(ana, "api");
  editor = await Editor.start({ settings: SETTINGS });
  window = await editor.openWindow();
  await signIn(window, ana.token);
});

afterAll(async () => {
  await editor?.stop();
  await world?.[Symbol.asyncDispose]();
});

test("an owner token on the clipboard is the password of a stock ssh, until it is revoked", async () => {
  await window.command("Sallyport: Copy Owner Token");
  await window.choose(/^api/);
  const told = await window.heldNotification("An owner token for api is on the clipboard");
  await window.screenshot("owner-token");
  const token = await window.clipboard();
  expect(token).toMatch(/^spo_/);
  const opened = await sshByPassword(token);
  expect(opened).toMatchObject({ code: 0, stdout: "/root\n" });
  await window.press("Revoke", told);
  await window.notification("The owner token for api no longer works").waitFor();
  expect((await sshByPassword(token)).code).toBe(255);
});

test("two windows show the same workspaces, and one sign-in serves both", async () => {
  const second = await editor.openWindow();
  await second.openSidebar();
  await second.row(/^api, online/).waitFor();
  const more = await world.host(ana, "training");
  await second.row(/^training, online/).waitFor();
  await window.openSidebar();
  await window.row(/^training, online/).waitFor();
  await Promise.all([connectByClick(window, editor, "api"), second.row(/^training, online/).waitFor()]);
  await connectByClick(second, editor, "training");
  await second.openSidebar();
  await second.row(/^training, online, (direct|tunnel)/).waitFor();
  for (const alias of [ALIAS, "training.sallyport.example"]) {
    expect(await ssh([alias, "echo in"])).toMatchObject({ code: 0, stdout: "in\n", stderr: "" });
  }
  await second.screenshot("two-windows");
  await second.page.close();
  await more.program.stop();
});

test("a machine that comes back with a different host key waits for its owner, and is entered only after a yes here too", async () => {
  await api.program.stop();
  rmSync(join(api.home, "..", "state"), { recursive: true });
  const comingBack = world.host(ana, "api");
  await editor.show(window);
  await window.openSidebar();
  await window.row(/\d workspaces? offline/).click();
  await window.row(/^api, offline.*new host key/).click();
  await window.dialog.getByText("A host registered as api with a different host key").waitFor();
  await window.screenshot("host-key-held");
  await window.press("Accept");
  api = await comingBack;
  const refused = await ssh([ALIAS, "echo in"]);
  expect(refused.code).toBe(255);
  expect(refused.stderr).toContain("REMOTE HOST IDENTIFICATION HAS CHANGED");
  await window.row(/^api, online/).click();
  await window.dialog.getByText("The host key of api has changed").waitFor();
  await window.screenshot("host-key-changed");
  await window.press("Trust the New Key");
  await expectHandOff(window, editor, ALIAS);
  expect(await ssh([ALIAS, "echo in"])).toMatchObject({ code: 0, stdout: "in\n", stderr: "" });
});

test("every window says that a sign-in was revoked while connected, and one button signs in again", async () => {
  await using remote = await RemoteWindow.open(ALIAS, { folder: "project" });
  await editor.show(window);
  const second = await editor.openWindow();
  for (const one of [window, second]) {
    await one.openSidebar();
    await one.row(/^api, online/).waitFor();
  }
  const { token } = await ana.api.me();
  const again = await world.token(ana.accountId, ["account", "connect"]);
  await ana.api.revokeToken(parseTokenId(token.id));
  await Promise.all([window, second].map((one) => one.heldNotification("was revoked")));
  for (const one of [window, second]) await one.row("Signed out: sign in again").waitFor();
  await window.row(/^api, was online/).waitFor();
  await window.screenshot("revoked");
  await window.press("Sign In Again", window.notification("was revoked"));
  await window.choose("Paste an access token");
  await window.quickInputTitled("2/2");
  await window.type(again);
  await window.row("Signed out: sign in again").waitFor({ state: "detached" });
  await window.row(/^api, online/).waitFor();
  // On a desktop the other window hears of a changed secret; in a browser VS Code tells it only when it starts.
  await editor.show(second);
  await second.openSidebar();
  await second.row(/^api, online/).waitFor();
  await second.screenshot("signed-in-again");
  expect(remote.connected).toBe(true);
});

/** As on a machine that knows nothing of Sallyport: `ssh api@sallyport.example`, with the token pasted. */
async function sshByPassword(token: string) {
  const { hostKeys } = await ana.api.discovery();
  const knownHosts = join(SSH, "known_hosts");
  writeFileSync(knownHosts, hostKeys.map((key) => `sallyport.example ${key}\n`).join(""));
  const program = join(directory, "askpass-token");
  writeFileSync(program, `#!/bin/sh\necho ${token}\n`, { mode: 0o700 });
  const env = { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force", DISPLAY: ":0" };
  return await ssh(["-F", "none", "-o", "PubkeyAuthentication=no", "api@sallyport.example", "pwd"], { env });
}
