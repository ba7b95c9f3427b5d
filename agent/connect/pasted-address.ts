// What people paste when they are asked for a workspace: an ssh command, a WebSocket address, a `sallyport` command, or a
// link. Pure.

import { type GatewayUrl, parseGatewayUrl } from "../../protocol/gateway-url.ts";
import { parseWorkspaceRef, type WorkspaceRef } from "../../protocol/name.ts";
import { parsePublicKey, type SshPublicKey } from "../../protocol/ssh-public-key.ts";
import { EXTENSION_ID, parseConnectLink } from "./connect-link.ts";

export interface PastedAddress {
  /** undefined: the gateway that the person is signed in at, or is asked for. */
  readonly gateway: GatewayUrl | undefined;
  /** Instead of `gateway`: the host of the gateway's SSH port, as an ssh command names it. */
  readonly sshHost: string | undefined;
  readonly workspace: WorkspaceRef;
  readonly hostKey: SshPublicKey | undefined;
}

const MAX_LENGTH = 4096;

/** undefined: it looks like none of them. @throws ProtocolError where it does, but is wrong */
export function parsePastedAddress(input: string): PastedAddress | undefined {
  const text = input.trim();
  if (text === "" || text.length > MAX_LENGTH || /[\r\n\0]/.test(text)) return undefined;
  return editorLink(text) ?? webSocketAddress(text) ?? sallyportCommand(text) ?? sshCommand(text);
}

function editorLink(text: string): PastedAddress | undefined {
  const link = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(\/[^?#]*)(?:\?([^#]*))?$/i.exec(text);
  if (link === null || link[1]?.toLowerCase() !== EXTENSION_ID) return undefined;
  return { ...parseConnectLink(link[2] ?? "", link[3] ?? ""), sshHost: undefined };
}

/** `wss://WORKSPACE@gateway`. What stands behind a colon is a secret or nothing, and is not looked at. */
function webSocketAddress(text: string): PastedAddress | undefined {
  const parts = /^(wss?:\/\/)([^@:/?#\s]+)(?::[^@/?#\s]*)?@([^@\s?#]+)$/i.exec(text);
  if (parts === null) return undefined;
  const [, scheme = "", workspace = "", rest = ""] = parts;
  return {
    gateway: parseGatewayUrl(`${scheme}${rest}`),
    sshHost: undefined,
    workspace: parseWorkspaceRef(workspace),
    hostKey: undefined,
  };
}

/** `sallyport ssh [--gateway URL] [--host-key KEY] WORKSPACE`, as a host prints it. */
function sallyportCommand(text: string): PastedAddress | undefined {
  const words = shellWords(text);
  if (words[0] !== "sallyport" || words[1] !== "ssh") return undefined;
  let gateway: GatewayUrl | undefined;
  let hostKey: SshPublicKey | undefined;
  let workspace: WorkspaceRef | undefined;
  for (let index = 2; index < words.length && workspace === undefined; index++) {
    const [word = "", inline] = splitOption(words[index] ?? "");
    const value = (): string => inline ?? words[++index] ?? "";
    if (word === "--gateway") gateway = parseGatewayUrl(value());
    else if (word === "--host-key") hostKey = parsePublicKey(value());
    else if (word.startsWith("-")) return undefined;
    else workspace = parseWorkspaceRef(word);
  }
  return workspace === undefined ? undefined : { gateway, sshHost: undefined, workspace, hostKey };
}

/** `ssh [-p PORT] WORKSPACE@HOST`, or `ssh -J HOST WORKSPACE`; without the word `ssh` the first one, too. */
function sshCommand(text: string): PastedAddress | undefined {
  const words = shellWords(text);
  const isCommand = words[0] === "ssh";
  const rest = isCommand ? words.slice(1) : words;
  let jump: string | undefined;
  let target: string | undefined;
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? "";
    if (word === "-J") jump = rest[++index];
    else if (word === "-p" || word === "-i" || word === "-o" || word === "-l") index++;
    else if (word.startsWith("-")) continue;
    else if (target === undefined) target = word;
    else return undefined;
  }
  if (target === undefined) return undefined;
  const [user, host] = splitAt(target);
  if (host !== undefined) {
    // Behind `#` an owner token may stand; it is not needed here.
    const workspace = parseWorkspaceRef((user ?? "").split("#", 1)[0]);
    return { gateway: undefined, sshHost: host.toLowerCase(), workspace, hostKey: undefined };
  }
  if (!isCommand || jump === undefined) return undefined;
  const sshHost = (splitAt(jump)[1] ?? jump).replace(/:\d+$/, "").toLowerCase();
  return { gateway: undefined, sshHost, workspace: parseWorkspaceRef(target), hostKey: undefined };
}

/** `user@host` → both; `host` → [undefined, undefined]. */
function splitAt(text: string): [user: string | undefined, host: string | undefined] {
  const at = text.lastIndexOf("@");
  return at <= 0 || at === text.length - 1 ? [undefined, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function splitOption(word: string): [name: string, value: string | undefined] {
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  return equals === -1 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

/** Words of a command line with single and double quotes, which is all that ours print. */
function shellWords(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? "",
  );
}
