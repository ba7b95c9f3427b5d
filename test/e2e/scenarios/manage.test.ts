// The commands of the tree's menu on a workspace, and the export of logs.

import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import { readZip } from "../../integration/package/read-zip.ts";
import { Editor } from "../harness/editor.ts";
import { emptyHome, MANAGED, makeKey } from "../harness/home.ts";
import { ssh } from "../harness/remote-ssh.ts";
import { connectByClick, SETTINGS, signIn } from "../harness/steps.ts";
import type { Workbench } from "../harness/workbench.ts";
import { type Host, type Person, World } from "../harness/world.ts";
import { HOME } from "../setup/enclosure.ts";

let world: World;
let ana: Person;
let bo: Person;
let api: Host;
let editor: Editor;
let window: Workbench;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  ana = await world.person("ana");
  bo = await world.person("bo");
  await ana.register(makeKey("id_ed25519"));
  api = await world.host(ana, "api");
  editor = await Editor.start({ settings: SETTINGS });
  window = await editor.openWindow();
  await signIn(window, ana.token);
  await connectByClick(window, editor, "api");
  await editor.show(window);
  await window.openSidebar();
});

afterAll(async () => {
  await editor?.stop();
  await world?.[Symbol.asyncDispose]();
});

test("a workspace that is renamed has its new name in the tree, and for ssh", async () => {
  await window.menu(/^api, online/, "Rename Workspace");
  await window.type("backend");
  await window.notification("api is now called backend").waitFor();
  await window.row(/^backend, online/).waitFor();
  await window.screenshot("renamed");
  await connectByClick(window, editor, "backend");
  expect(await ssh(["backend.sallyport.example", "pwd"])).toMatchObject({ code: 0, stdout: "/root\n" });
  expect(readFileSync(MANAGED, "utf8")).not.toContain("api.sallyport.example");
});

test("a workspace that is offered is somebody else's too once they accept, until that is over", async () => {
  await editor.show(window);
  await window.openSidebar();
  await window.menu(/^backend, online/, "Share Workspace");
  await window.choose("Share with another account");
  await window.type("bo");
  await window.notification("backend is offered to bo").waitFor();
  await window.screenshot("shared-workspace");
  expect(await bo.api.workspaces()).toEqual([]);
  await bo.api.acceptShare(parseWorkspaceId(api.id));
  expect((await bo.api.workspaces()).map(({ name, owner }) => `${name}.${owner}`)).toEqual(["backend.ana"]);
  await window.menu(/^backend, online/, "Share Workspace");
  await window.choose("Stop sharing with bo");
  await window.notification("no longer shared with bo").waitFor();
  expect(await bo.api.workspaces()).toEqual([]);
});

test("the exported logs hold what they should and no secret", async () => {
  await window.command("Sallyport: Export Logs");
  await expect.poll(() => window.quickInput.inputValue()).toMatch(/sallyport-logs-.*\.zip$/);
  const path = await window.quickInput.inputValue();
  await window.quickInput.press("Enter");
  await window.notification("files were exported").waitFor();
  await window.screenshot("exported-logs");
  const files = await unzipped(path);
  expect([...files.keys()].sort()).toEqual(["facts.json", "logs/Sallyport.log", "ssh-config.txt"]);
  expect(JSON.parse(files.get("facts.json") ?? "")).toMatchObject({
    gateways: [{ workspaces: 1, state: "online" }],
  });
  expect(files.get("ssh-config.txt")).toContain("Host backend.sallyport.example");
  const everything = [...files.values()].join("\n");
  expect(everything).not.toContain(ana.token);
  expect(everything).not.toMatch(/sp[to]_[A-Za-z0-9]{8}|PRIVATE KEY/);
  expect(everything).not.toContain(api.id);
  expect(everything).not.toContain(`${HOME}/`);
});

test("a workspace is forgotten after a yes, and is gone from the tree and the gateway", async () => {
  await api.program.stop();
  await window.row(/1 workspace offline/).click();
  await window.menu(/^backend, offline/, "Forget Workspace");
  await window.dialog.getByText("Nothing on the machine itself is deleted").waitFor();
  await window.screenshot("forget");
  expect(await ana.api.workspaces()).toHaveLength(1);
  await window.press("Forget Workspace");
  await window.row(/1 workspace offline/).waitFor({ state: "detached" });
  expect(await ana.api.workspaces()).toEqual([]);
  expect(existsSync(api.home)).toBe(true);
});

async function unzipped(path: string): Promise<Map<string, string>> {
  return new Map([...(await readZip(path))].map(([name, contents]) => [name, contents.toString("utf8")]));
}
