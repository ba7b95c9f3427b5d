// Networks that block SSH: the tunnel takes over and says so, until SSH is allowed again.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Editor } from "../harness/editor.ts";
import { Firewall } from "../harness/firewall.ts";
import { emptyHome, MANAGED, makeKey } from "../harness/home.ts";
import { ssh } from "../harness/remote-ssh.ts";
import { connectByClick, forgetReachability, log, SETTINGS, signIn } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { World } from "../harness/world.ts";

const ALIAS = "api.sallyport.example";

let world: World;
let firewall: Firewall;
let editor: Editor;
let window: Workbench;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  firewall = new Firewall();
  const ana = await world.person("ana");
  await ana.register(makeKey("id_ed25519"));
  await world.host(ana, "api");
  editor = await Editor.start({ settings: SETTINGS });
  window = await editor.openWindow();
  await signIn(window, ana.token);
});

afterAll(async () => {
  await editor?.stop();
  await firewall?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

// A probe's answer is cached for some minutes.
beforeEach(() => forgetReachability());

test.for([
  ["refused", /was refused/],
  ["dropped", /drops the connection/],
  ["silent", /stays silent/],
] as const)("where port 22 is %s, the alias goes through the tunnel", async ([how, why], { task }) => {
  await firewall.block(how);
  const first = !log(editor).includes("Handing");
  await connectByClick(window, editor, "api");
  await window.openSidebar();
  if (first) {
    // Once per network, and in the window that exists after the hand-off.
    const notice = await window.heldNotification("This network blocks SSH");
    await window.screenshot(`blocked-${how}`);
    await window.press("Why?", notice);
    await window.dialog.getByText(why).waitFor();
    await window.screenshot(`blocked-${how}-why`);
    await window.page.keyboard.press("Escape");
  } else {
    expect(await window.notification("This network blocks SSH").count()).toBe(0);
  }
  expect(readFileSync(MANAGED, "utf8"), task.name).toContain("ProxyCommand");
  expect(await ssh([ALIAS, "echo through"])).toMatchObject({ code: 0, stdout: "through\n", stderr: "" });
  await window.row(/^api, online, tunnel/).waitFor();
  await window.screenshot(`blocked-${how}-tree`);
});

test("once the port is open again, the next connection is direct", async () => {
  await firewall.open();
  await connectByClick(window, editor, "api");
  expect(readFileSync(MANAGED, "utf8")).toContain("ProxyJump");
  expect(readFileSync(MANAGED, "utf8")).not.toContain("ProxyCommand");
  expect(await ssh([ALIAS, "echo direct"])).toMatchObject({ code: 0, stdout: "direct\n", stderr: "" });
  await window.openSidebar();
  await window.row(/^api, online, direct/).waitFor();
});
