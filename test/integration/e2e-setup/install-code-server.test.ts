// On a machine that has never run the end-to-end tests. npm and code-server are stand-ins that write into the home they
// are started with, as the real ones do, since the real ones take minutes.

import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CODE_SERVER_VERSION } from "../../e2e/setup/install-code-server.ts";

const INSTALLER = new URL("../../e2e/setup/install-code-server.ts", import.meta.url).href;

/** Its first start in a home writes its configuration there, and says so on stdout, before the version. */
const CODE_SERVER = `
const { existsSync, mkdirSync, writeFileSync } = require("node:fs");
const { homedir } = require("node:os");
const { dirname, join } = require("node:path");
const config = join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "code-server", "config.yaml");
if (!existsSync(config)) {
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, "auth: password");
  console.log("Wrote default config file to " + config);
}
console.log("${CODE_SERVER_VERSION} 0123456789abcdef with Code 1.109.0");
`;

const NPM = `#!/bin/sh
set -eu
echo "$@" >> "$INSTALLATIONS"
mkdir -p "$npm_config_cache" "$HOME/.cache/node-gyp"
case "$4" in
  node@*)
    mkdir -p "$3/node_modules/node/bin"
    ln -s "$REAL_NODE" "$3/node_modules/node/bin/node" ;;
  code-server@*)
    cd "$3" && mkdir -p node_modules/code-server/out/node && cd node_modules/code-server
    cp "$STAND_IN" out/node/entry.js
    for part in kerberos @vscode/spdlog @vscode/sqlite3; do
      mkdir -p lib/vscode/node_modules/$part && echo > lib/vscode/node_modules/$part/index.js
    done ;;
esac
`;

let directory: string;
let home: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-install-"));
  home = join(directory, "home");
  const bin = join(directory, "bin");
  for (const path of [home, bin]) mkdirSync(path);
  writeFileSync(join(bin, "npm"), NPM);
  chmodSync(join(bin, "npm"), 0o755);
  writeFileSync(join(directory, "stand-in.js"), CODE_SERVER);
  env = {
    PATH: [bin, process.env.PATH].join(delimiter),
    HOME: home,
    XDG_CONFIG_HOME: join(home, "my-config"),
    XDG_CACHE_HOME: join(directory, "cache"),
    npm_config_cache: join(home, ".npm"),
    INSTALLATIONS: join(directory, "installations"),
    REAL_NODE: process.execPath,
    STAND_IN: join(directory, "stand-in.js"),
  };
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("installs code-server once on a fresh machine, and leaves the person's home as it is", async () => {
  for (const _ of ["the first run", "the next one"]) {
    const script = `await (await import(${JSON.stringify(INSTALLER)})).installCodeServer(() => {});`;
    await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
  }
  const installed = readFileSync(join(directory, "installations"), "utf8").trim().split("\n");
  expect(installed.map((line) => line.split(" ")[3]?.split("@")[0])).toEqual(["node", "code-server"]);
  expect(readdirSync(home)).toEqual([]);
});
