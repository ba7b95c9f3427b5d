// Reads what is configured about proxies, and makes it the ways to one gateway. Loaded only where something is.

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { CommandError } from "../../command-error.ts";
import { systemCode } from "../../files/private-file.ts";
import { type Machine, thisMachine } from "../../paths.ts";
import { type Endpoint, type Route, VARIABLE } from "../network.ts";
import { readEditorNetwork } from "./editor-network.ts";
import { parseProxyAddress } from "./proxy-address.ts";
import { chooseProxy, type EditorProxy, type OwnProxy } from "./proxy-choice.ts";

/** @throws CommandError stage `proxy` or `file`; the signal's reason */
export async function routesTo(
  endpoint: Endpoint,
  env: Machine["env"],
  editor: EditorProxy | "handed-down" | undefined,
  signal: AbortSignal,
): Promise<readonly Route[]> {
  const settings = editor === "handed-down" ? readEditorNetwork(thisMachine(env, homedir)) : editor;
  const choice = chooseProxy({ own: ownProxy(env), editor: settings, env }, endpoint);
  if (choice.kind !== "pac") return [choice];
  const { routesByPac } = await import("../pac/routes-by-pac.ts");
  return await routesByPac(choice.source, choice.from, endpoint, env, signal);
}

/** @throws CommandError stage `proxy` or `file` */
export function ownProxy(env: Machine["env"]): OwnProxy | undefined {
  const proxy = given(env, VARIABLE.proxy);
  if (proxy !== undefined) return proxyOrNone(proxy, VARIABLE.proxy);
  const file = given(env, VARIABLE.proxyFile);
  if (file !== undefined) return proxyOrNone(readProxyFile(file), `The first line of ${file}`);
  const pac = given(env, VARIABLE.pac);
  return pac === undefined ? undefined : { kind: "pac", source: pac, from: VARIABLE.pac };
}

/** A file that the person named: its mode is theirs to choose, as for a token file. */
function readProxyFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = systemCode(cause);
    throw new CommandError(
      "file",
      code,
      `Cannot read ${path}, which ${VARIABLE.proxyFile} names (${code}).`,
      {
        cause,
      },
    );
  }
}

function proxyOrNone(text: string, from: string): OwnProxy {
  const [line = ""] = text.trim().split(/\r?\n/);
  if (line === "none") return { kind: "none", from };
  return { kind: "proxy", address: parseProxyAddress(line, from), from };
}

function given(env: Machine["env"], name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === "" ? undefined : value;
}
