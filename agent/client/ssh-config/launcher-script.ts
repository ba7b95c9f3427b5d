// The text of the launcher, a small script that the SSH config names as ProxyCommand. The path of an editor may change with each
// update; the script's path does not, and it knows the latest paths of several editors, of which one has to exist. Pure.

import { FOREIGN_TO_NODE } from "../../platform/node-environment.ts";

/** A program that can run the companion: an editor, which can run as Node, Node itself, or Sallyport's executable. */
export interface LaunchCandidate {
  readonly execPath: string;
  /** The companion's `cli.js`; absent: the program is the companion. */
  readonly cliPath?: string;
  /** The program is Electron, and has to be told to run as Node. */
  readonly electron: boolean;
  /** Microsoft's builds need a switch as well. */
  readonly microsoftBuild: boolean;
}

/** Editors that are remembered: Stable, Insiders, a fork or two. */
export const MAX_CANDIDATES = 4;

const MICROSOFT_SWITCH = "--ms-enable-electron-run-as-node";
const HEADING = "Starts Sallyport's tunnel for ssh. Rewritten whenever an editor with Sallyport starts.";
const NOTHING =
  "sallyport: config: no program here can run the tunnel: start an editor with the Sallyport extension once, or install Node.js 20 or later.";
/** The exit code of a shell for a command that it does not find (POSIX.1-2017, XCU 2.8.2). */
const NOT_FOUND = 127;
const NODE_IS_NEW_ENOUGH = "process.exit(parseInt(process.versions.node)>=20?0:1)";

/** The newest comes first. It replaces an earlier entry with the same `execPath`. */
export function withCandidate(known: readonly LaunchCandidate[], added: LaunchCandidate): LaunchCandidate[] {
  const others = known.filter(({ execPath }) => execPath !== added.execPath);
  return [added, ...others].slice(0, MAX_CANDIDATES);
}

/**
 * The path of a program that outlives its next update: the AppImage itself, not its mount for this run, and snap's `current`,
 * not a revision that snap will delete.
 */
export function lastingPath(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string {
  if (platform !== "linux") return path;
  const { APPIMAGE: image, APPDIR: mount } = env;
  if (
    image?.startsWith("/") === true &&
    mount !== undefined &&
    mount !== "" &&
    path.startsWith(`${mount}/`)
  ) {
    return image;
  }
  return path.replace(/^(\/snap\/[^/]+)\/x?\d+\//, "$1/current/");
}

export function launcherText(
  candidates: readonly LaunchCandidate[],
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return platform === "win32" ? cmdLauncher(candidates, env) : shLauncher(candidates);
}

/** For any POSIX shell. */
function shLauncher(candidates: readonly LaunchCandidate[]): string {
  const lines = ["#!/bin/sh", `# ${HEADING}`, `unset ${FOREIGN_TO_NODE.join(" ")}`];
  for (const { execPath, cliPath, electron, microsoftBuild } of candidates) {
    const program = shellWord(execPath);
    const cli = cliPath === undefined ? "" : `${shellWord(cliPath)} `;
    lines.push(
      `if [ -f ${program} ] && [ -x ${program} ]${cli === "" ? "" : ` && [ -f ${cli}]`}; then`,
      ...(electron ? ["  export ELECTRON_RUN_AS_NODE=1"] : []),
      `  exec ${program} ${cli}${microsoftBuild ? `${MICROSOFT_SWITCH} ` : ""}tunnel "$@"`,
      "fi",
    );
  }
  lines.push(
    "unset ELECTRON_RUN_AS_NODE",
    `if command -v node >/dev/null 2>&1 && node -e '${NODE_IS_NEW_ENOUGH}' </dev/null >/dev/null 2>&1; then`,
    ...distinctCli(candidates).map((cli) => {
      const word = shellWord(cli);
      return `  [ -f ${word} ] && exec node ${word} tunnel "$@"`;
    }),
    "fi",
    `echo ${shellWord(NOTHING)} >&2`,
    `exit ${NOT_FOUND}`,
  );
  return `${lines.join("\n")}\n`;
}

/** For cmd.exe, which reads a script line by line in the console's code page. */
export function cmdLauncher(
  candidates: readonly LaunchCandidate[],
  env: Readonly<Record<string, string | undefined>>,
): string {
  const path = (text: string) => batchPath(text, env);
  const programs = candidates.flatMap(({ execPath, cliPath = "" }) => [path(execPath), path(cliPath)]);
  const lines = [
    "@echo off",
    `rem ${HEADING}`,
    "setlocal DisableDelayedExpansion",
    // Otherwise a node.exe in the current directory would be run.
    'set "NoDefaultCurrentDirectoryInExePath=1"',
    ...FOREIGN_TO_NODE.map((name) => `set "${name}="`),
    // Only if a path needs it, because the console keeps the code page.
    ...(programs.some((text) => /[^ -~]/.test(text)) ? ["chcp 65001 >nul"] : []),
  ];
  for (const [index, { execPath, cliPath, electron, microsoftBuild }] of candidates.entries()) {
    const program = `"${path(execPath)}"`;
    const cli = cliPath === undefined ? "" : `"${path(cliPath)}" `;
    lines.push(
      `if not exist ${program} goto next${index}`,
      ...(cli === "" ? [] : [`if not exist ${cli}goto next${index}`]),
      ...(electron ? ['set "ELECTRON_RUN_AS_NODE=1"'] : []),
      `${program} ${cli}${microsoftBuild ? `${MICROSOFT_SWITCH} ` : ""}tunnel %*`,
      "exit /b %ERRORLEVEL%",
      `:next${index}`,
    );
  }
  lines.push(
    'set "ELECTRON_RUN_AS_NODE="',
    "where node >nul 2>nul",
    "if errorlevel 1 goto nothing",
    `call node -e "${NODE_IS_NEW_ENOUGH}" <nul >nul 2>nul`,
    "if errorlevel 1 goto nothing",
  );
  for (const [index, cli] of distinctCli(candidates).entries()) {
    lines.push(
      `if not exist "${path(cli)}" goto node${index}`,
      `node "${path(cli)}" tunnel %*`,
      "exit /b %ERRORLEVEL%",
      `:node${index}`,
    );
  }
  lines.push(":nothing", `>&2 echo ${NOTHING}`, `exit /b ${NOT_FOUND}`);
  return `${lines.join("\r\n")}\r\n`;
}

function distinctCli(candidates: readonly LaunchCandidate[]): string[] {
  return [...new Set(candidates.flatMap(({ cliPath }) => cliPath ?? []))];
}

/** One word for sh. Inside single quotes only the single quote is special. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * A path between double quotes in a batch file. The profile directory, which is the most likely to contain characters outside
 * ASCII, is written as its variable; percent signs are doubled.
 */
function batchPath(path: string, env: Readonly<Record<string, string | undefined>>): string {
  for (const name of ["LOCALAPPDATA", "APPDATA", "USERPROFILE"]) {
    const value = env[name];
    if (value === undefined || value.length < 4) continue;
    if (path.toLowerCase().startsWith(`${value.toLowerCase()}\\`)) {
      return `%${name}%${path.slice(value.length).replaceAll("%", "%%")}`;
    }
  }
  return path.replaceAll("%", "%%");
}
