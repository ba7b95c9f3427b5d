// A window that is open on a workspace: the status bar shows the state of the connection, and the transport follows the
// network. On a desktop `onResolveRemoteAuthority:ssh-remote` activates the extension there, but that event needs a
// running Remote-SSH, which a browser does not have. Here the sidebar activates it; from then on everything is the
// same.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Editor } from "../harness/editor.ts";
import { Firewall } from "../harness/firewall.ts";
import { emptyHome, MANAGED, makeKey } from "../harness/home.ts";
import { Shell } from "../harness/remote-ssh.ts";
import { connectByClick, FOLDER, forgetReachability, SETTINGS, signIn } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { type Host, type Person, World } from "../harness/world.ts";

const ALIAS = "api.sallyport.example";

let world: World;
let ana: Person;
let api: Host;
let firewall: Firewall;
let editor: Editor;
let window: Workbench;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  firewall = new Firewall();
  ana = await world.person("ana");
  await ana.register(makeKey("id_ed25519"));
  api = await world.host(ana, "api");
  editor = await Editor.start({ settings: SETTINGS });
  window = await editor.openWindow();
  await signIn(window, ana.token);
  await firewall.block("refused");
  forgetReachability();
  await connectByClick(window, editor, "api");
  expect(readFileSync(MANAGED, "utf8")).toContain("ProxyCommand");
});

afterAll(async () => {
  await editor?.stop();
  await firewall?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

test("through the tunnel, the status bar has the workspace, the transport, the round trip and the traffic", async () => {
  await using shell = await Shell.open(ALIAS);
  await using connected = await editor.openConnectedWindow(ALIAS, FOLDER);
  await connected.openSidebar();
  await connected.statusBarItem(/api · tunnel · \d+ ms/).waitFor();
  shell.type("while head -c 100000 /dev/zero; do sleep 0.1; done");
  await connected.statusBarItem(/api · tunnel · \d+ ms · [\d.]+ [kM]B\/s/).waitFor();
  await connected.screenshot("status-bar-tunnel");
  await connected.statusBarItem(/api · tunnel/).click();
  await connected.choices.filter({ hasText: "Diagnose Connection" }).waitFor();
  await connected.screenshot("status-bar-menu");
});

test("a workspace that goes offline is offline in the status bar, until it is back", async () => {
  await using _shell = await Shell.open(ALIAS);
  await using connected = await editor.openConnectedWindow(ALIAS, FOLDER);
  await connected.openSidebar();
  await connected.statusBarItem(/api · tunnel/).waitFor();
  await api.program.stop();
  await connected.statusBarItem(/api · tunnel · offline/).waitFor();
  await connected.screenshot("status-bar-offline");
  api = await world.host(ana, "api");
  await connected.statusBarItem(/api · tunnel(?! · offline)/).waitFor();
});

test("a window that connects again probes the network first, and connects directly once the port is open", async () => {
  await firewall.open();
  forgetReachability();
  await using connected = await editor.openConnectedWindow(ALIAS, FOLDER);
  await connected.openSidebar();
  await connected.statusBarItem(/api · direct · \d+ ms/).waitFor();
  expect(readFileSync(MANAGED, "utf8")).toContain("ProxyJump");
  expect(readFileSync(MANAGED, "utf8")).not.toContain("ProxyCommand");
  await connected.row(/^api, online, direct/).waitFor();
  await connected.screenshot("status-bar-direct");
});
