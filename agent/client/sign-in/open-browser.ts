// Opens a page in the person's browser. No shell sees the URL, and the browser does not inherit tokens from the environment.

import { spawn } from "node:child_process";
import type { Machine } from "../../platform/paths.ts";

type System = Pick<Machine, "platform" | "env">;

/** Whether a browser on this machine would open where the person is. Over SSH it would not. */
export function hasBrowser({ platform, env }: System): boolean {
  if (["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].some((name) => isSet(env[name]))) return false;
  if (isSet(env.BROWSER)) return true;
  if (platform === "darwin" || platform === "win32") return true;
  return isSet(env.DISPLAY) || isSet(env.WAYLAND_DISPLAY);
}

/**
 * The command that opens `url`. BROWSER names a program, with arguments after blanks, among them `%s` for the URL; of several,
 * separated by colons, the first counts.
 */
export function browserCommand(url: string, { platform, env }: System): readonly [string, ...string[]] {
  if (isSet(env.BROWSER)) {
    // On Windows a colon is part of a path.
    const first = platform === "win32" ? env.BROWSER : env.BROWSER?.split(":").find((one) => one !== "");
    const [program = "", ...rest] = (first ?? "").split(" ").filter((word) => word !== "");
    const args = rest.some((word) => word.includes("%s"))
      ? rest.map((word) => word.replaceAll("%s", url))
      : [...rest, url];
    if (program !== "") return [program, ...args];
  }
  // Not `start`: cmd.exe would read the `&` of a query as the end of the command.
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler", url];
  return [platform === "darwin" ? "open" : "xdg-open", url];
}

/** Resolves to whether the program could be started; what it does is not waited for. */
export async function openBrowser(url: string, system: System): Promise<boolean> {
  const [program, ...args] = browserCommand(url, system);
  const env = Object.fromEntries(Object.entries(system.env).filter(([name]) => !/^SALLYPORT_/i.test(name)));
  const child = spawn(program, args, { env, stdio: "ignore", detached: true, windowsHide: true });
  return await new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
