// The picture in the README: a window on a workspace, with the list of workspaces beside it and the connection in the
// status bar. `npm run test:e2e -- readme && cp test/e2e/screenshots/readme.png media/screenshots/` makes it again.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { Editor } from "../harness/editor.ts";
import { Firewall } from "../harness/firewall.ts";
import { emptyHome, makeKey } from "../harness/home.ts";
import { Shell } from "../harness/remote-ssh.ts";
import { connectByClick, forgetReachability, SETTINGS, signIn } from "../harness/steps.ts";
import { World } from "../harness/world.ts";
import { HOME } from "../setup/enclosure.ts";

const SOURCE = `import { createServer } from "node:http";

const server = createServer((request, response) => {
  response.setHeader("content-type", "text/plain");
  response.end(\`You asked for \${request.url}\\n\`);
});

server.listen(8080, () => console.log("listening on 8080"));
`;

/** Less that has nothing to do with what the picture shows. */
const CALM = { "editor.minimap.enabled": false, "breadcrumbs.enabled": false };

let world: World;
let firewall: Firewall;
let editor: Editor;

beforeAll(async () => {
  emptyHome();
  world = await World.start();
  firewall = new Firewall();
});

afterAll(async () => {
  await editor?.stop();
  await firewall?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

test("the README's picture shows the workspaces, and a connection that goes through the tunnel", async () => {
  const ana = await world.person("ana");
  const bo = await world.person("bo");
  await ana.register(makeKey("id_ed25519"));
  await world.host(ana, "api");
  await world.host(ana, "training");
  await world.host(bo, "design");
  await bo.api.share(parseWorkspaceRef("design"), ana.name);
  for (const { id } of await ana.api.sharedWithMe()) await ana.api.acceptShare(parseWorkspaceId(id));
  const retired = await world.host(ana, "retired");
  await retired.program.stop();

  editor = await Editor.start({ settings: { ...SETTINGS, ...CALM }, size: { width: 1120, height: 440 } });
  const window = await editor.openWindow();
  await signIn(window, ana.token);
  await connectByClick(window, editor, "training");
  await firewall.block("refused");
  forgetReachability();
  await connectByClick(window, editor, "api");
  await window.page.close();

  // The folder of the workspace. In a browser it is one of this machine, which plays the other side.
  const folder = join(HOME, "api");
  mkdirSync(folder);
  writeFileSync(join(folder, "server.js"), SOURCE);
  await using shell = await Shell.open("api.sallyport.example");
  await using connected = await editor.openConnectedWindow("api.sallyport.example", folder);
  await connected.row("server.js").dblclick();
  await connected.page.locator(".monaco-editor .view-line").first().waitFor();
  await connected.openSidebar();
  await connected.row(/1 workspace offline/).waitFor();
  await connected.row(/^api, online, tunnel/).waitFor();
  shell.type("while head -c 400000 /dev/zero; do sleep 0.1; done");
  await connected.statusBarItem(/api · tunnel · \d+ ms · [\d.]+ [kM]B\/s/).waitFor();
  await connected.command("Notifications: Clear All Notifications");
  await connected.page.locator(".monaco-editor .view-line").first().click();
  await connected.screenshot("readme");
});
