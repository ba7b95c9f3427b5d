// Connect URLs. Anybody can write one, so VS Code asks first, then the extension; a bad one does nothing.

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { Editor } from "../harness/editor.ts";
import { emptyHome, makeKey, readConfig } from "../harness/home.ts";
import { ssh } from "../harness/remote-ssh.ts";
import { expectHandOff, log, SETTINGS } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { GATEWAY_URL, type Person, World } from "../harness/world.ts";

const ALIAS = "api.sallyport.example";
const STRANGER = "127.0.0.3";

let world: World;
let ana: Person;
let editor: Editor;
let window: Workbench;
let stranger: Server;
let contacts = 0;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  ana = await world.person("ana");
  await ana.register(makeKey("id_ed25519"));
  await world.host(ana, "api");
  stranger = createServer((socket) => {
    contacts++;
    socket.destroy();
  });
  await once(stranger.listen(443, STRANGER), "listening");
  editor = await Editor.start({ settings: SETTINGS });
  window = await editor.openWindow();
});

afterAll(async () => {
  await editor?.stop();
  stranger?.close();
  await world?.[Symbol.asyncDispose]();
});

test.for([
  [
    "to something other than connecting",
    "/run?gateway=https%3A%2F%2Fsallyport.example&workspace=api",
    "does not know",
  ],
  ["with more than it should say", `${to(GATEWAY_URL, "api")}&command=id`, "does not know"],
  ["that means two workspaces", `${to(GATEWAY_URL, "api")}&workspace=other`, "more than one workspace"],
  ["whose workspace is a path", to(GATEWAY_URL, "../../etc"), "Opening the link failed"],
  [
    "whose gateway is not an address",
    to("https://ana@sallyport.example/#", "api"),
    "Opening the link failed",
  ],
  ["with a token in it", `${to(GATEWAY_URL, "api")}&hostKey=${newAccessToken()}`, "revoke that token"],
] as const)("a link %s is refused, and says why", async ([, link, why]) => {
  await window.openLink(`vscode://sallyport.sallyport${link}`);
  const refused = window.notification("Opening the link failed");
  await refused.filter({ hasText: why }).waitFor();
  expect(await window.dialog.count()).toBe(0);
  if (link.includes("command=")) await window.screenshot("link-refused");
  await window.command("Notifications: Clear All Notifications");
  await refused.waitFor({ state: "detached" });
});

test("a link to a gateway that nobody is signed in to is asked about before anything is sent there", async () => {
  await window.openLink(`vscode://sallyport.sallyport${to(`https://${STRANGER}`, "api")}`);
  await window.dialog.getByText("a gateway that you do not use yet").waitFor();
  await window.dialog.getByText(`https://${STRANGER}`).waitFor();
  await window.screenshot("link-unknown-gateway");
  await window.press("Cancel");
  await window.dialog.waitFor({ state: "detached" });
  expect(contacts).toBe(0);
  expect(log(editor)).not.toContain("Handing");
});

test("after a yes it signs in and connects, with the same consent as a click", async () => {
  await window.openLink(`vscode://sallyport.sallyport${to(GATEWAY_URL, "api")}`);
  await window.press("Sign In at sallyport.example");
  await window.choose("Paste an access token");
  await window.quickInputTitled("2/2");
  await window.type(ana.token);
  await window.dialog.getByText("~/.ssh/sallyport/config").first().waitFor();
  expect(readConfig()).toBeUndefined();
  await window.press("Add the Line");
  await expectHandOff(window, editor, ALIAS);
  expect(await ssh([ALIAS, "echo in"])).toMatchObject({ code: 0, stdout: "in\n", stderr: "" });
});

test("the link that the sidebar copies for others connects without a question where one is signed in", async () => {
  await editor.show(window);
  await window.openSidebar();
  await window.menu(/^api, online/, "Share Workspace");
  await window.choose("Copy a link to api");
  await window.notification("A link to api is on the clipboard").waitFor();
  const link = await window.clipboard();
  expect(link).not.toMatch(/sp[to]_/);
  await window.openLink(link);
  await expectHandOff(window, editor, ALIAS);
  expect(log(editor).match(/Handing/g)).toHaveLength(2);
});

function to(gateway: string, workspace: string): string {
  return `/connect?gateway=${encodeURIComponent(gateway)}&workspace=${encodeURIComponent(workspace)}`;
}
