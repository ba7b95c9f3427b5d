// A host that an editor has started in the background. A note about it, in a file, tells every window of every editor
// whether it still runs.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { type ConnectUrl, formatConnectUrl, readConnectUrl } from "../../../protocol/connect-url.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { isName, type Name } from "../../../protocol/values/name.ts";
import { CommandError } from "../../platform/command-error.ts";
import {
  makePrivateDirectory,
  readPrivateFile,
  removePrivateFile,
  systemCode,
  writePrivateFile,
} from "../../platform/files/private-file.ts";
import { nodeEnvironment } from "../../platform/node-environment.ts";
import { runsCommand } from "./process-command.ts";

export interface SharedHost {
  readonly pid: number;
  readonly gateway: GatewayUrl;
  readonly name: Name;
  /** Found in the process's command line, so that a different process with the same id is not mistaken for it. */
  readonly cliPath: string;
  /** The connect URL with its host key, as the host printed it; undefined when it printed none. */
  readonly link?: ConnectUrl;
}

interface ShareOptions {
  readonly gateway: GatewayUrl;
  readonly name: Name;
  readonly allowPlainHttp: boolean;
  /** The path of Node, or of an editor that runs as Node. */
  readonly execPath: string;
  readonly cliPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The host's log: mode 0600, emptied at each start. */
  readonly logFile: string;
  /** Where the note about it is kept. */
  readonly noteFile: string;
}

/** The time from the start to the ready line, including the registration at the gateway. */
const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 100;

/**
 * Starts a host that goes on after the editor has ended. Returns once it is registered at the gateway.
 * @throws CommandError with the last line that the host printed
 */
export async function startSharing(options: ShareOptions): Promise<SharedHost> {
  const { gateway, name, execPath, cliPath, logFile, noteFile } = options;
  makePrivateDirectory(dirname(logFile));
  const log = openSync(logFile, "w", 0o600);
  const child = spawn(
    execPath,
    [
      cliPath,
      "host",
      "--json",
      "--gateway",
      gateway,
      "--name",
      name,
      ...(options.allowPlainHttp ? ["--allow-plain-http"] : []),
    ],
    {
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...nodeEnvironment(options.env), ELECTRON_RUN_AS_NODE: "1" },
      windowsHide: true,
    },
  );
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.on("error", () => resolve());
    child.on("exit", () => resolve());
  });
  const { pid } = child;
  if (pid === undefined) {
    throw new CommandError("config", "ENOENT", `${execPath} cannot be started.`);
  }
  child.unref();
  const link = pinnedLink(await whenReady(logFile, ended, () => child.kill()));
  const host = { pid, gateway, name, cliPath };
  const noted = link === undefined ? host : { ...host, link: formatConnectUrl(link) };
  writePrivateFile(noteFile, `${JSON.stringify(noted)}\n`);
  return link === undefined ? host : { ...host, link };
}

/** Returns the host of the note if it runs. Removes the note of a host that does not. */
export async function runningHost(noteFile: string): Promise<SharedHost | undefined> {
  const host = parseNote(readPrivateFile(noteFile));
  if (host === undefined) return undefined;
  if (await runsCommand(host.pid, host.cliPath)) return host;
  removePrivateFile(noteFile);
  return undefined;
}

/** Ends the host of the note, and waits for its end. Returns whether there was one. */
export async function endSharing(noteFile: string): Promise<boolean> {
  const host = await runningHost(noteFile);
  if (host === undefined) return false;
  try {
    process.kill(host.pid, "SIGTERM");
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
  for (let waited = 0; waited < 5_000 && (await runsCommand(host.pid, host.cliPath)); waited += POLL_MS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  removePrivateFile(noteFile);
  return true;
}

export function parseNote(text: string | undefined): SharedHost | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    if (!("pid" in value && "gateway" in value && "name" in value && "cliPath" in value)) return undefined;
    const { pid, gateway, name, cliPath } = value;
    if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 1) return undefined;
    if (!isName(name) || typeof cliPath !== "string") return undefined;
    const host = { pid, gateway: parseGatewayUrl(gateway), name, cliPath };
    return "link" in value ? { ...host, link: readConnectUrl(String(value.link)) } : host;
  } catch {
    // Not a note that we wrote: it names no host.
    return undefined;
  }
}

/** Reads the connect URL from the host's ready line. */
function pinnedLink(ready: string): ConnectUrl | undefined {
  try {
    const event: unknown = JSON.parse(ready);
    const links = typeof event === "object" && event !== null && "links" in event ? event.links : undefined;
    if (typeof links !== "object" || links === null || !("pinned" in links)) return undefined;
    return readConnectUrl(String(links.pinned));
  } catch {
    // The host runs and is shared: an unreadable URL is not a reason to end it.
    return undefined;
  }
}

/** Waits for the host's ready line and returns it. */
async function whenReady(logFile: string, ended: Promise<void>, end: () => void): Promise<string> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (let waited = 0; ; waited += POLL_MS) {
    const lines = readFileSync(logFile, "utf8").split("\n");
    // The last line may be incomplete.
    const ready = lines.slice(0, -1).find((line) => line.startsWith("{") && line.includes('"event":"ready"'));
    if (ready !== undefined) return ready;
    if (over || waited > READY_TIMEOUT_MS) {
      end();
      const last = lines.filter((line) => line.trim() !== "" && !line.startsWith("see ")).at(-1);
      const said = (last ?? "it said nothing").replace(/^(?:\S+Z )?sallyport: /, "");
      throw new CommandError("workspace", over ? "host_ended" : "host_timeout", said);
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, POLL_MS)), ended]);
  }
}
