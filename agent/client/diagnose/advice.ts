// Explains failures to people: what one means and what to do about it, by stage and code. Pure.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { StageId, Verdict } from "./report.ts";
import { codeOf } from "./run-stages.ts";

export interface Advice {
  readonly means: string;
  readonly todo: string;
}

/** The verdict on something thrown at a stage. */
export function explain(id: StageId, error: unknown, gateway: GatewayUrl): Verdict {
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  const { means, todo } = BY_CODE[code] ?? BY_STAGE[id];
  return fail(code, detail, { means, todo: todo.replace("login GATEWAY", `login ${gateway}`) });
}

export function fail(code: string, detail: string, advice: Advice): Verdict {
  return { status: "fail", code, detail, ...advice };
}

export function warn(code: string, detail: string, advice: Advice): Verdict {
  return { status: "warn", code, detail, ...advice };
}

/** The general advice for a stage, for failures without advice of their own. */
export function adviceFor(id: StageId): Advice {
  return BY_STAGE[id];
}

const NEW_TOKEN: Advice = {
  means: "The gateway no longer accepts your access token.",
  todo: "Sign in again: `sallyport login GATEWAY`.",
};
const UNTRUSTED: Advice = {
  means:
    "The server that answered has a certificate that this machine does not trust: it may not be your gateway.",
  todo: "If your organisation inspects TLS, add its authority with --ca FILE or SALLYPORT_CA. Otherwise tell the gateway's administrator.",
};

const PROXY_SIGN_IN: Advice = {
  means: "Your network's proxy wants you to sign in.",
  todo: "Put the proxy's address with your user name and password into SALLYPORT_PROXY, or into a file and its path into SALLYPORT_PROXY_FILE.",
};
const PROXY_SCRIPT: Advice = {
  means: "The script that chooses your network's proxy cannot be used.",
  todo: "Name the proxy with --proxy, or ask your network's administrator.",
};

const BY_CODE: Readonly<Record<string, Advice>> = {
  EAI_AGAIN: {
    means: "The name server does not answer: there is no network, or a VPN is not fully connected.",
    todo: "Check that this machine is online, then try again.",
  },
  ECONNREFUSED: {
    means: "The machine answers, but nothing listens on that port, or a firewall refuses the connection.",
    todo: "Check the gateway's URL and port; ask its administrator whether it is running.",
  },
  CERT_HAS_EXPIRED: {
    means: "The gateway's certificate has expired, or this machine's clock is wrong.",
    todo: "Check this machine's clock, then tell the gateway's administrator.",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    means: "The certificate of the server that answered is for a different name than the gateway's.",
    todo: "Check the spelling of the gateway's URL, and whether the network wants you to sign in first.",
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  captive_portal: {
    means: "The network answered instead of the gateway: it wants you to sign in, as in hotels and trains.",
    todo: "Open that page in a browser, sign in, and try again.",
  },
  bad_proxy: {
    means: "The configured proxy is not the address of a proxy.",
    todo: "Correct the variable or setting that the message names.",
  },
  proxy_auth_required: PROXY_SIGN_IN,
  proxy_auth_refused: PROXY_SIGN_IN,
  proxy_auth_unsupported: PROXY_SIGN_IN,
  not_a_proxy: {
    means: "The server at the proxy's address is not a proxy of that kind.",
    todo: "Check the proxy's address, port and scheme (http, https, socks4, socks5).",
  },
  pac_unreadable: PROXY_SCRIPT,
  pac_failed: PROXY_SCRIPT,
  not_a_gateway: {
    means:
      "Something answers at that address, but it is not a Sallyport gateway: another server, a proxy, or a login page.",
    todo: "Check the URL; open it in a browser to see what answers; sign in to the network if it asks for that.",
  },
  redirected: {
    means: "The address redirects to a different one.",
    todo: "Use the address that it redirects to, or sign in to the network if that is its login page.",
  },
  unauthenticated: {
    means: "This machine has no access token for the gateway.",
    todo: "Sign in: `sallyport login GATEWAY`.",
  },
  bad_token: NEW_TOKEN,
  token_unknown: NEW_TOKEN,
  token_revoked: NEW_TOKEN,
  sign_in_ended: {
    means: "Your sign-in at the gateway was ended there, or not used for a long time.",
    todo: "Sign in again: `sallyport login GATEWAY`.",
  },
  token_expired: {
    means: "Your access token has expired.",
    todo: "Make a new one at the gateway and sign in again: `sallyport login GATEWAY`.",
  },
  account_disabled: {
    means: "Your account at the gateway is disabled.",
    todo: "Ask the gateway's administrator.",
  },
  scope_missing: {
    means: "Your access token does not allow you to connect to workspaces.",
    todo: 'Make an access token with the scope "connect" and sign in with it.',
  },
  plain_http: {
    means:
      "The gateway is reached without encryption: everyone on the network could read your token, so it is not sent.",
    todo: "Use the gateway's https address.",
  },
  workspace_unknown: {
    means: "There is no such workspace, or it is not shared with you.",
    todo: "`sallyport list` shows the workspaces that you can reach; write name.owner for a workspace that is shared with you.",
  },
  workspace_offline: {
    means: "The gateway knows the workspace, but its host is not connected.",
    todo: "Start `sallyport host` in the workspace, or wake the machine.",
  },
  workspace_timeout: {
    means: "The workspace's host is registered but did not answer the gateway in time.",
    todo: "Look at `sallyport host` in the workspace: the machine may be asleep, overloaded, or cut off.",
  },
  gateway_full: { means: "The gateway has no room for another connection.", todo: "Try again in a while." },
  rate_limited: {
    means: "The gateway has received too many requests from this network.",
    todo: "Wait a minute, then try again.",
  },
  no_ssh: {
    means: "This machine has no OpenSSH client, which makes the connection.",
    todo: "Install OpenSSH's client.",
  },
};

const BY_STAGE: Readonly<Record<StageId, Advice>> = {
  dns: {
    means: "The gateway's host name cannot be resolved here.",
    todo: "Check its spelling, and whether you need a VPN to reach it.",
  },
  tcp: {
    means: "No connection to the gateway can be made: a firewall may drop it, or the machine is down.",
    todo: "Check the gateway's URL; try a different network; ask the gateway's administrator.",
  },
  tls: {
    means: "No encrypted connection to the gateway can be made.",
    todo: "Check the URL's scheme and port, and whether a proxy interferes.",
  },
  discovery: {
    means: "The gateway did not describe itself, as a Sallyport gateway does.",
    todo: "Open its URL in a browser; ask the gateway's administrator.",
  },
  "ssh-port": {
    means: "This network does not let SSH through to the gateway.",
    todo: "Nothing: the tunnel over HTTPS is used instead.",
  },
  "ssh-banner": {
    means: "This network does not let SSH through to the gateway.",
    todo: "Nothing: the tunnel over HTTPS is used instead.",
  },
  websocket: {
    means:
      "Something between this machine and the gateway does not let WebSockets through, so the tunnel cannot open.",
    todo: "Ask your network's administrator to allow WebSockets to the gateway, or use a network where its SSH port is open.",
  },
  "sign-in": {
    means: "The gateway did not accept your sign-in.",
    todo: "Sign in again: `sallyport login GATEWAY`.",
  },
  workspace: {
    means: "The gateway does not connect you to this workspace.",
    todo: "`sallyport list` shows the workspaces that you can reach.",
  },
  "host-key": {
    means: "The connection ended before the workspace's SSH server had shown its host key.",
    todo: "Look at `sallyport host` in the workspace, and try again.",
  },
  key: {
    means: "The workspace's SSH server accepted none of your keys.",
    todo: "`sallyport keys list` shows the keys that it accepts.",
  },
  exec: {
    means: "You are signed in, but commands fail in the workspace.",
    todo: "Check the login shell in the workspace, and its start-up files.",
  },
  forward: {
    means: "You are signed in, but connections are not forwarded into the workspace, which editors need.",
    todo: "Ask the workspace's owner to allow port forwarding.",
  },
};
