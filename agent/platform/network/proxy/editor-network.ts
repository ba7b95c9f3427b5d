// Hands an editor's `http.*` settings down to the companion. ssh starts the companion, so they can reach it only through a
// file of ours; besides, a proxy's password does not belong in an argument list.

import { existsSync } from "node:fs";
import { readPrivateFile, removePrivateFile, writePrivateFile } from "../../files/private-file.ts";
import { editorNetworkFile, type Machine } from "../../paths.ts";
import { parseProxyAddress } from "./proxy-address.ts";
import type { EditorProxy } from "./proxy-choice.ts";

/** The settings as a person wrote them. A value of the wrong type counts as not set. */
export interface EditorNetworkSettings {
  /** `http.proxy` */
  readonly proxy: string;
  /** `http.noProxy` */
  readonly noProxy: readonly string[];
  /** `http.proxySupport` is `off`. */
  readonly off: boolean;
  /** `http.proxyAuthorization` */
  readonly authorization: string;
}

const MAX_NO_PROXY = 500;
const MAX_TEXT = 8 * 1024;

/** Whether there is anything to hand down. */
export function saysSomething({ proxy, noProxy, off, authorization }: EditorNetworkSettings): boolean {
  return off || proxy !== "" || noProxy.length > 0 || authorization !== "";
}

/**
 * Hands the settings down, or removes those that were handed down before. Returns whether that changed anything.
 * @throws CommandError stage `file`
 */
export function handDown(settings: EditorNetworkSettings, machine: Machine): boolean {
  const path = editorNetworkFile(machine);
  if (!saysSomething(settings)) {
    if (!existsSync(path)) return false;
    removePrivateFile(path);
    return true;
  }
  const text = `${JSON.stringify({ version: 1, ...settings }, null, 2)}\n`;
  if (readPrivateFile(path) === text) return false;
  writePrivateFile(path, text);
  return true;
}

/**
 * The settings that were handed down; undefined: none, or none that this version understands. If the file is lost, the
 * editor's next start writes it again.
 * @throws CommandError stage `file`: others could have read or written the file; stage `proxy`: it holds a bad address
 */
export function readEditorNetwork(machine: Machine): EditorProxy | undefined {
  const text = readPrivateFile(editorNetworkFile(machine));
  const settings = text === undefined ? undefined : parseEditorNetwork(text);
  return settings === undefined ? undefined : editorProxy(settings);
}

/** @throws CommandError stage `proxy`, code `bad_proxy` */
export function editorProxy({ proxy, noProxy, off, authorization }: EditorNetworkSettings): EditorProxy {
  return {
    off,
    address: proxy === "" || off ? undefined : parseProxyAddress(proxy, "The setting http.proxy"),
    noProxy,
    authorization: /^[\x21-\x7e][\x20-\x7e]*$/.test(authorization) ? authorization : undefined,
  };
}

export function parseEditorNetwork(text: string): EditorNetworkSettings | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Cut short or edited by hand: counts as none.
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("version" in value) || value.version !== 1)
    return undefined;
  return editorNetworkSettings({ ...value });
}

/** Keeps the values of the right type and size. */
export function editorNetworkSettings(value: Readonly<Record<string, unknown>>): EditorNetworkSettings {
  const { noProxy } = value;
  const hosts = Array.isArray(noProxy) ? noProxy.slice(0, MAX_NO_PROXY).map(shortText) : [];
  return {
    proxy: shortText(value.proxy),
    noProxy: hosts.filter((host) => host !== ""),
    off: value.off === true,
    authorization: shortText(value.authorization),
  };
}

function shortText(value: unknown): string {
  return typeof value === "string" && value.length <= MAX_TEXT ? value.trim() : "";
}
