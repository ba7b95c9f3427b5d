// The routes to one gateway, by what is configured about proxies. Loaded only where something is configured.

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { CommandError } from "../../command-error.ts";
import { systemCode } from "../../files/private-file.ts";
import { type Machine, thisMachine } from "../../paths.ts";
import type { Network } from "../network.ts";
import type { Endpoint, Route } from "../route.ts";
import { readEditorNetwork } from "./editor-network.ts";
import { parseProxyAddress } from "./proxy-address.ts";
import { chooseProxy, type EditorProxy, type OwnProxy } from "./proxy-choice.ts";

/** A text, and what messages call the place that it comes from. */
interface Setting {
  readonly value: string;
  readonly from: string;
}

/** What is configured about proxies for Sallyport alone; the first that is set counts. */
export interface OwnProxySettings {
  /** A proxy's address, or `none`. */
  readonly proxy: Setting | undefined;
  /** The path of a file whose first line is such a text. */
  readonly proxyFile: Setting | undefined;
  /** The path or URL of a proxy auto-configuration script. */
  readonly script: Setting | undefined;
}

export interface NetworkSettings {
  readonly own: OwnProxySettings;
  /** `handed-down`: what an editor left in a file of ours. */
  readonly editor: EditorProxy | "handed-down" | undefined;
  readonly env: Machine["env"];
}

/**
 * @param forScripts fetches a proxy script
 * @throws CommandError stage `proxy` or `file`; the signal's reason
 */
export async function routesTo(
  endpoint: Endpoint,
  { own, editor, env }: NetworkSettings,
  forScripts: Network,
  signal: AbortSignal,
): Promise<readonly Route[]> {
  const known = editor === "handed-down" ? readEditorNetwork(thisMachine(env, homedir)) : editor;
  const choice = chooseProxy({ own: ownProxy(own), editor: known, env }, endpoint);
  if (choice.kind !== "pac") return [choice];
  const { routesByPac } = await import("../pac/routes-by-pac.ts");
  return await routesByPac(choice.source, choice.from, endpoint, forScripts, signal);
}

/** @throws CommandError stage `proxy` or `file` */
export function ownProxy({ proxy, proxyFile, script }: OwnProxySettings): OwnProxy | undefined {
  if (proxy !== undefined) return proxyOrNone(proxy.value, proxy.from);
  if (proxyFile !== undefined) {
    return proxyOrNone(readProxyFile(proxyFile), `The first line of ${proxyFile.value}`);
  }
  return script === undefined ? undefined : { kind: "pac", source: script.value, from: script.from };
}

/** A person named this file, so its mode is theirs to choose, as for a token file. */
function readProxyFile({ value: path, from }: Setting): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = systemCode(cause);
    throw new CommandError("file", code, `Cannot read ${path}, which ${from} names (${code}).`, { cause });
  }
}

function proxyOrNone(text: string, from: string): OwnProxy {
  const [line = ""] = text.trim().split(/\r?\n/);
  if (line === "none") return { kind: "none", from };
  return { kind: "proxy", address: parseProxyAddress(line, from), from };
}
