// Parses what people paste when they are asked for a workspace: an ssh command, a WebSocket address, a `sallyport`
// command, or a connect URL. Pure.

import { EXTENSION_ID, parseConnectUrl } from "../../../protocol/connect-url.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef, type WorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { optionValues, SALLYPORT_SSH_OPTIONS, splitSshArguments } from "../ssh-command/command-line.ts";

export interface PastedAddress {
  /** Undefined: the address names none; the person is signed in at one, or is asked which. */
  readonly gateway: GatewayUrl | undefined;
  /** The host of the gateway's SSH port, when an ssh command names that instead of a gateway. */
  readonly sshHost: string | undefined;
  readonly workspace: WorkspaceRef;
  readonly hostKey: SshPublicKey | undefined;
}

const MAX_LENGTH = 4096;

/** Returns undefined when the text looks like none of them. @throws ProtocolError when it does, but has a mistake */
export function parsePastedAddress(input: string): PastedAddress | undefined {
  const text = input.trim();
  if (text === "" || text.length > MAX_LENGTH || /[\r\n\0]/.test(text)) return undefined;
  return editorLink(text) ?? webSocketAddress(text) ?? sallyportCommand(text) ?? sshCommand(text);
}

function editorLink(text: string): PastedAddress | undefined {
  const link = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(\/[^?#]*)(?:\?([^#]*))?$/i.exec(text);
  if (link === null || link[1]?.toLowerCase() !== EXTENSION_ID) return undefined;
  return { ...parseConnectUrl(link[2] ?? "", link[3] ?? ""), sshHost: undefined };
}

/** `wss://WORKSPACE@gateway`. What follows a colon may be a secret, and is ignored. */
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

/**
 * `sallyport ssh [--gateway URL] [--host-key KEY] WORKSPACE`, as a host prints it, perhaps with options added by hand.
 */
function sallyportCommand(text: string): PastedAddress | undefined {
  const [program = "", command, ...args] = shellWords(text);
  if (program.toLowerCase() !== "sallyport" || command !== "ssh") return undefined;
  const request = splitSshArguments(args, SALLYPORT_SSH_OPTIONS);
  if ("problem" in request || request.workspace === undefined) return undefined;
  const [gateway, hostKey] = [request.own.get("gateway"), request.own.get("host-key")];
  return {
    gateway: gateway === undefined ? undefined : parseGatewayUrl(gateway),
    sshHost: undefined,
    workspace: parseWorkspaceRef(request.workspace.toLowerCase()),
    // A fingerprint is not a key: the key that the gateway publishes is shown before it is accepted.
    hostKey:
      typeof hostKey === "string" && !hostKey.startsWith("SHA256:") ? parsePublicKey(hostKey) : undefined,
  };
}

/**
 * `ssh [options] WORKSPACE@HOST [command]` in all the forms that ssh takes (`-l WORKSPACE HOST`,
 * `ssh://WORKSPACE@HOST:PORT`), or `ssh -J HOST WORKSPACE`; without the word `ssh`, `WORKSPACE@HOST` alone. Names are
 * converted to lower case.
 */
function sshCommand(text: string): PastedAddress | undefined {
  const [first = "", ...rest] = shellWords(text);
  const isCommand = /^(?:.*[\\/])?ssh(?:\.exe)?$/i.test(first);
  const request = isCommand ? splitSshArguments(rest, {}) : { workspace: first, options: rest };
  if ("problem" in request || request.workspace === undefined) return undefined;
  if (!isCommand && rest.length > 0) return undefined;
  const destination = request.workspace.replace(/^ssh:\/\/([^/]*)\/?$/i, (_, authority: string) =>
    authority.replace(/:\d+$/, ""),
  );
  const options = sshOptions(request.options);
  const [named, host] = splitAt(destination);
  const user = named ?? options.get("user");
  const jump = options.get("proxyjump");
  if (jump !== undefined && isCommand) {
    const sshHost = (splitAt(jump)[1] ?? jump).replace(/^ssh:\/\//i, "").replace(/:\d+$/, "");
    return address(sshHost, host ?? destination);
  }
  if (host !== undefined) return address(host, user ?? "");
  return isCommand && user !== undefined ? address(destination, user) : undefined;
}

function address(sshHost: string, user: string): PastedAddress {
  // Behind `#` an owner token may stand; it is not needed here.
  const workspace = parseWorkspaceRef((user.split("#", 1)[0] ?? "").toLowerCase());
  return { gateway: undefined, sshHost: sshHost.toLowerCase(), workspace, hostKey: undefined };
}

/** The options that name a destination, by their keyword in lower case. As with ssh, the first one counts. */
function sshOptions(options: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const take = (keyword: string, value: string) => {
    if (!found.has(keyword)) found.set(keyword, value);
  };
  for (const [letter, value] of optionValues(options)) {
    if (letter === "l") take("user", value);
    if (letter === "J") take("proxyjump", value);
    const setting = letter === "o" ? /^\s*(\w+)(?:\s*=\s*|\s+)"?([^"]*)"?\s*$/.exec(value) : null;
    if (setting !== null) take((setting[1] ?? "").toLowerCase(), setting[2] ?? "");
  }
  return found;
}

/** `user@host` → both; `host` → [undefined, undefined]. */
function splitAt(text: string): [user: string | undefined, host: string | undefined] {
  const at = text.lastIndexOf("@");
  return at <= 0 || at === text.length - 1 ? [undefined, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Splits into words as a shell does with quotes and backslashes; nothing is expanded. */
function shellWords(text: string): string[] {
  return [...text.matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/g)].map(([word]) =>
    word.replace(
      /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g,
      (_, single, double, escaped) => single ?? double?.replace(/\\([\\"$`])/g, "$1") ?? escaped,
    ),
  );
}
