// The text of the launcher: the small script that an SSH config names as its ProxyCommand. Editors move with each update, the
// script stays where it is and knows where they were last. Only one of them has to be there. Pure.

import { FOREIGN_TO_NODE } from "../../platform/node-environment.ts";

/** A program that can run the companion: an editor (which is a Node too, when asked), or a Node. */
export interface LaunchCandidate {
  readonly execPath: string;
  /** The companion's `cli.js`. */
  readonly cliPath: string;
  /** The program is an Electron and has to be told to be a Node. */
  readonly electron: boolean;
  /** Microsoft's builds of it want to be told twice. */
  readonly microsoftBuild: boolean;
}

/** Editors that are remembered: Stable, Insiders, a fork or two. */
export const MAX_CANDIDATES = 4;

const MICROSOFT_SWITCH = "--ms-enable-electron-run-as-node";
const HEADING =
  "Sallyport's tunnel, as ssh starts it. Written anew whenever an editor with Sallyport starts.";
const NOTHING =
  "sallyport: config: nothing here can run the tunnel: open the editor that has Sallyport once, or install Node.js 20 or later.";
/** Exit code of a shell that has not found a command (POSIX.1-2017, XCU 2.8.2). */
const NOT_FOUND = 127;
const NODE_IS_NEW_ENOUGH = "process.exit(parseInt(process.versions.node)>=20?0:1)";

/** The newest first; an editor that has moved on within its own directory replaces what was known of it. */
export function withCandidate(known: readonly LaunchCandidate[], added: LaunchCandidate): LaunchCandidate[] {
  const others = known.filter(({ execPath }) => execPath !== added.execPath);
  return [added, ...others].slice(0, MAX_CANDIDATES);
}

/**
 * Where a program can be found after its next update: the AppImage itself, not its mount of this run, and snap's `current`, not
 * a revision that snap will delete.
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
export function shLauncher(candidates: readonly LaunchCandidate[]): string {
  const lines = ["#!/bin/sh", `# ${HEADING}`, `unset ${FOREIGN_TO_NODE.join(" ")}`];
  for (const { execPath, cliPath, electron, microsoftBuild } of candidates) {
    const [program, cli] = [shellWord(execPath), shellWord(cliPath)];
    lines.push(
      `if [ -f ${program} ] && [ -x ${program} ] && [ -f ${cli} ]; then`,
      ...(electron ? ["  export ELECTRON_RUN_AS_NODE=1"] : []),
      `  exec ${program} ${cli} ${microsoftBuild ? `${MICROSOFT_SWITCH} ` : ""}tunnel "$@"`,
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
  const programs = candidates.flatMap(({ execPath, cliPath }) => [path(execPath), path(cliPath)]);
  const lines = [
    "@echo off",
    `rem ${HEADING}`,
    "setlocal DisableDelayedExpansion",
    // Otherwise a node.exe in the folder that somebody works in would be run.
    'set "NoDefaultCurrentDirectoryInExePath=1"',
    ...FOREIGN_TO_NODE.map((name) => `set "${name}="`),
    // Only where a path needs it: the code page stays with the console.
    ...(programs.some((text) => /[^ -~]/.test(text)) ? ["chcp 65001 >nul"] : []),
  ];
  for (const [index, { execPath, cliPath, electron, microsoftBuild }] of candidates.entries()) {
    const [program, cli] = [`"${path(execPath)}"`, `"${path(cliPath)}"`];
    lines.push(
      `if not exist ${program} goto next${index}`,
      `if not exist ${cli} goto next${index}`,
      ...(electron ? ['set "ELECTRON_RUN_AS_NODE=1"'] : []),
      `${program} ${cli} ${microsoftBuild ? `${MICROSOFT_SWITCH} ` : ""}tunnel %*`,
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
  return [...new Set(candidates.map(({ cliPath }) => cliPath))];
}

/** One word for sh: only a single quote means something inside single quotes. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * A path between double quotes in a batch file. The profile directory, where most names outside of ASCII are, is left to the
 * variable that holds it; a percent sign is doubled.
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
