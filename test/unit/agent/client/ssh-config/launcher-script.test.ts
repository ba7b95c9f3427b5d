import { describe, expect, test } from "vitest";
import {
  cmdLauncher,
  type LaunchCandidate,
  lastingPath,
  MAX_CANDIDATES,
  withCandidate,
} from "../../../../../agent/client/ssh-config/launcher-script.ts";
import { FOREIGN_TO_NODE } from "../../../../../agent/platform/node-environment.ts";

const code: LaunchCandidate = {
  execPath: "C:\\Users\\Zoë 100%\\AppData\\Local\\Programs\\Microsoft VS Code\\Code.exe",
  cliPath: "C:\\Users\\Zoë 100%\\.vscode\\extensions\\sallyport\\dist\\cli.js",
  electron: true,
  microsoftBuild: true,
};
const env = { USERPROFILE: "C:\\Users\\Zoë 100%", LOCALAPPDATA: "C:\\Users\\Zoë 100%\\AppData\\Local" };

describe("the launcher for cmd.exe", () => {
  test("runs the editor as Node, then a Node of the PATH, and says what to do if there is neither", () => {
    const node = {
      execPath: "C:\\Program Files\\nodejs\\node.exe",
      cliPath: "D:\\100%\\cli.js",
      electron: false,
      microsoftBuild: false,
    };
    expect(cmdLauncher([code, node], env)).toBe(
      [
        "@echo off",
        "rem Starts Sallyport's tunnel for ssh. Rewritten whenever an editor with Sallyport starts.",
        "setlocal DisableDelayedExpansion",
        'set "NoDefaultCurrentDirectoryInExePath=1"',
        ...FOREIGN_TO_NODE.map((name) => `set "${name}="`),
        'if not exist "%LOCALAPPDATA%\\Programs\\Microsoft VS Code\\Code.exe" goto next0',
        'if not exist "%USERPROFILE%\\.vscode\\extensions\\sallyport\\dist\\cli.js" goto next0',
        'set "ELECTRON_RUN_AS_NODE=1"',
        '"%LOCALAPPDATA%\\Programs\\Microsoft VS Code\\Code.exe" "%USERPROFILE%\\.vscode\\extensions\\sallyport\\dist\\cli.js" --ms-enable-electron-run-as-node tunnel %*',
        "exit /b %ERRORLEVEL%",
        ":next0",
        'if not exist "C:\\Program Files\\nodejs\\node.exe" goto next1',
        'if not exist "D:\\100%%\\cli.js" goto next1',
        '"C:\\Program Files\\nodejs\\node.exe" "D:\\100%%\\cli.js" tunnel %*',
        "exit /b %ERRORLEVEL%",
        ":next1",
        'set "ELECTRON_RUN_AS_NODE="',
        "where node >nul 2>nul",
        "if errorlevel 1 goto nothing",
        'call node -e "process.exit(parseInt(process.versions.node)>=20?0:1)" <nul >nul 2>nul',
        "if errorlevel 1 goto nothing",
        'if not exist "%USERPROFILE%\\.vscode\\extensions\\sallyport\\dist\\cli.js" goto node0',
        'node "%USERPROFILE%\\.vscode\\extensions\\sallyport\\dist\\cli.js" tunnel %*',
        "exit /b %ERRORLEVEL%",
        ":node0",
        'if not exist "D:\\100%%\\cli.js" goto node1',
        'node "D:\\100%%\\cli.js" tunnel %*',
        "exit /b %ERRORLEVEL%",
        ":node1",
        ":nothing",
        ">&2 echo sallyport: config: no program here can run the tunnel: start an editor with the Sallyport extension once, or install Node.js 20 or later.",
        "exit /b 127",
        "",
      ].join("\r\n"),
    );
  });

  test("changes the console's code page only for a path that needs it", () => {
    expect(cmdLauncher([code], env)).not.toContain("chcp");
    expect(cmdLauncher([code], {})).toContain("\r\nchcp 65001 >nul\r\n");
  });
});

describe("what the launcher remembers", () => {
  const editor = (name: string, version = 1): LaunchCandidate => ({
    ...code,
    execPath: `/opt/${name}/code`,
    cliPath: `/ext/${name}-${version}/cli.js`,
  });

  test("is the last editor first, once each, and not without end", () => {
    const known = ["a", "b", "c", "d", "e"].reduce<LaunchCandidate[]>(
      (list, name) => withCandidate(list, editor(name)),
      [],
    );
    expect(known).toHaveLength(MAX_CANDIDATES);
    expect(known[0]).toEqual(editor("e"));
    const again = withCandidate(known, editor("c", 2));
    expect(again[0]).toEqual(editor("c", 2));
    expect(again).toHaveLength(MAX_CANDIDATES);
  });

  test("is a path that the next update leaves: the AppImage, and snap's current revision", () => {
    const image = { APPIMAGE: "/home/ada/Code.AppImage", APPDIR: "/tmp/.mount_Code1" };
    expect(lastingPath("/tmp/.mount_Code1/usr/code", image, "linux")).toBe("/home/ada/Code.AppImage");
    expect(lastingPath("/usr/share/code/code", image, "linux")).toBe("/usr/share/code/code");
    expect(lastingPath("/snap/code/176/usr/share/code/code", {}, "linux")).toBe(
      "/snap/code/current/usr/share/code/code",
    );
    expect(lastingPath("/snap/code/x1/usr/share/code/code", {}, "linux")).toBe(
      "/snap/code/current/usr/share/code/code",
    );
    expect(lastingPath("/snap/code/176/x", {}, "darwin")).toBe("/snap/code/176/x");
  });
});
