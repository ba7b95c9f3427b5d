// Connect URLs, which open an editor and connect: `vscode://sallyport.sallyport/connect?gateway=…&workspace=…`. Such a link may
// come from anyone, so it only names things, each in its strict form, and carries no secret. Pure.

import { ProtocolError } from "./errors.ts";
import { type GatewayUrl, parseGatewayUrl } from "./values/gateway-url.ts";
import { formatWorkspaceRef, parseWorkspaceRef, type WorkspaceRef } from "./values/name.ts";
import { parsePublicKey, type SshPublicKey } from "./values/ssh-public-key.ts";
import { TOKEN_PATTERN } from "./values/token.ts";

/** `publisher.name` of the extension: the authority of its URLs. */
export const EXTENSION_ID = "sallyport.sallyport";

export interface ConnectUrl {
  readonly gateway: GatewayUrl;
  readonly workspace: WorkspaceRef;
  /** The workspace's host key, if no account vouches for it. */
  readonly hostKey: SshPublicKey | undefined;
}

const MAX_QUERY = 8 * 1024;
const KNOWN = ["gateway", "workspace", "hostKey"];

/**
 * @param path of the URL: `/connect`
 * @param query without the question mark; percent-encoded, or decoded once, as editors hand it over
 * @throws ProtocolError bad_url, bad_name, bad_id, bad_key
 */
export function parseConnectUrl(path: string, query: string): ConnectUrl {
  if (path !== "/connect") throw bad("Sallyport does not know what this link asks for.");
  if (query.length > MAX_QUERY) throw bad("This link is too long.");
  if (query.search(TOKEN_PATTERN) !== -1) {
    throw bad("This link contains a token, which no link should: revoke that token.");
  }
  // A plus sign stands for itself: keys contain them, and editors have decoded it already.
  const parameters = new URLSearchParams(query.replaceAll("+", "%2B"));
  for (const name of parameters.keys()) {
    if (!KNOWN.includes(name))
      throw bad(
        `This link contains something that Sallyport does not know: ${JSON.stringify(name.slice(0, 40))}.`,
      );
    if (parameters.getAll(name).length > 1) throw bad(`This link names more than one ${name}.`);
  }
  const gateway = parameters.get("gateway");
  const workspace = parameters.get("workspace");
  if (gateway === null || workspace === null) throw bad("This link does not name a gateway and a workspace.");
  const hostKey = parameters.get("hostKey");
  return {
    gateway: parseGatewayUrl(gateway),
    workspace: parseWorkspaceRef(workspace),
    hostKey: hostKey === null ? undefined : plainKey(hostKey),
  };
}

/** Parses a whole URL, of any editor. @throws ProtocolError as `parseConnectUrl` */
export function readConnectUrl(text: string): ConnectUrl {
  const parts = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(\/[^?#]*)\?([^#]*)$/i.exec(text);
  if (parts?.[1]?.toLowerCase() !== EXTENSION_ID) throw bad("This is not a Sallyport link.");
  return parseConnectUrl(parts[2] ?? "", parts[3] ?? "");
}

/** `scheme` is the editor's: `vscode`, `vscode-insiders`, `vscodium`, `cursor`. */
export function formatConnectUrl(link: ConnectUrl, scheme = "vscode"): string {
  const { gateway, workspace, hostKey } = link;
  const parameters = [
    ["gateway", gateway],
    ["workspace", formatWorkspaceRef(workspace)],
    ...(hostKey === undefined ? [] : [["hostKey", `${hostKey.type} ${hostKey.blob}`]]),
  ];
  const query = parameters.map(([name, value = ""]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return `${scheme}://${EXTENSION_ID}/connect?${query}`;
}

function plainKey(text: string): SshPublicKey {
  const key = parsePublicKey(text);
  if (key.options !== "")
    throw new ProtocolError("bad_key", "A host key must have no options.", { field: "hostKey" });
  return key;
}

function bad(message: string): ProtocolError {
  return new ProtocolError("bad_url", message, { field: "link" });
}
