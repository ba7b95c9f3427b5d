// What a failure means to a person and what to do about it, by stage and code. Pure.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { StageId, Verdict } from "./report.ts";
import { codeOf } from "./stage.ts";

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

/** What a stage's failure means where nothing more particular is known. */
export function adviceFor(id: StageId): Advice {
  return BY_STAGE[id];
}

const NEW_TOKEN: Advice = {
  means: "The gateway does not take your access token any longer.",
  todo: "Sign in again: `sallyport login GATEWAY` with a new access token.",
};
const UNTRUSTED: Advice = {
  means: "Nobody that this machine trusts vouches for the server that answered; it may not be your gateway.",
  todo: "If your organisation inspects TLS, add its authority with --ca FILE or SALLYPORT_CA. Otherwise tell whoever runs the gateway.",
};

const PROXY_SIGN_IN: Advice = {
  means: "Your network's proxy wants to know who you are before it lets you through.",
  todo: "Put the proxy's address with user name and password into SALLYPORT_PROXY, or into a file that SALLYPORT_PROXY_FILE names.",
};
const PROXY_SCRIPT: Advice = {
  means: "The script that chooses your network's proxy cannot be used.",
  todo: "Name the proxy itself by --proxy, or ask whoever runs the network.",
};

const BY_CODE: Readonly<Record<string, Advice>> = {
  EAI_AGAIN: {
    means: "The name server does not answer: there is no network, or a VPN is half up.",
    todo: "Check that this machine is online, then try again.",
  },
  ECONNREFUSED: {
    means: "The machine is there, but nothing listens on that port, or a firewall says no.",
    todo: "Check the gateway's URL and port; ask whoever runs it whether it is up.",
  },
  CERT_HAS_EXPIRED: {
    means: "The gateway's certificate has run out (or this machine's clock is wrong).",
    todo: "Check this machine's clock, then tell whoever runs the gateway.",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    means: "The server that answered is certified for another name than the gateway's.",
    todo: "Check the spelling of the gateway's URL; a login page of the network may be in the way.",
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  captive_portal: {
    means: "The network answers in the gateway's place: it wants you to sign in, as in hotels and trains.",
    todo: "Open the page that it names in a browser, sign in, and try again.",
  },
  bad_proxy: {
    means: "What is configured as a proxy is no proxy's address.",
    todo: "Correct the variable or setting that is named.",
  },
  proxy_auth_required: PROXY_SIGN_IN,
  proxy_auth_refused: PROXY_SIGN_IN,
  proxy_auth_unsupported: PROXY_SIGN_IN,
  not_a_proxy: {
    means: "Something else than a proxy of that kind answers at the proxy's address.",
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
    means: "The address sends visitors elsewhere.",
    todo: "Use the address that it points to, or sign in to the network if that is its login page.",
  },
  unauthenticated: {
    means: "This machine holds no access token for the gateway.",
    todo: "Sign in: `sallyport login GATEWAY`.",
  },
  bad_token: NEW_TOKEN,
  token_unknown: NEW_TOKEN,
  token_revoked: NEW_TOKEN,
  token_expired: {
    means: "Your access token has run out.",
    todo: "Make a new one at the gateway and sign in again: `sallyport login GATEWAY`.",
  },
  account_disabled: {
    means: "Your account at the gateway is switched off.",
    todo: "Ask whoever runs the gateway.",
  },
  scope_missing: {
    means: "Your access token may not reach workspaces.",
    todo: 'Make an access token with the scope "connect" and sign in with it.',
  },
  plain_http: {
    means:
      "The gateway is reached without encryption: everyone on the way could read your token, so it is not sent.",
    todo: "Use the gateway's https address.",
  },
  workspace_unknown: {
    means: "There is no such workspace, or it is not shared with you.",
    todo: "See `sallyport list` for the ones that you can reach; for somebody else's, use name.owner.",
  },
  workspace_offline: {
    means: "The gateway knows the workspace, but no host is connected for it now.",
    todo: "Start `sallyport host` there, or wake the machine.",
  },
  workspace_timeout: {
    means: "The workspace's host is registered but did not answer the gateway in time.",
    todo: "Look at `sallyport host` there: the machine may be asleep, overloaded, or cut off.",
  },
  gateway_full: { means: "The gateway has no room for another connection.", todo: "Try again in a while." },
  rate_limited: { means: "The gateway has seen too many tries from here.", todo: "Wait a minute." },
  no_ssh: {
    means: "There is no OpenSSH client on this machine, and that is what connects.",
    todo: "Install OpenSSH's client.",
  },
};

const BY_STAGE: Readonly<Record<StageId, Advice>> = {
  dns: {
    means: "The gateway's name is not known here.",
    todo: "Check its spelling, and whether a VPN is needed for it.",
  },
  tcp: {
    means: "No connection to the gateway comes about: a firewall may drop it, or the machine is down.",
    todo: "Try another network; check the gateway's URL; ask whoever runs it.",
  },
  tls: {
    means: "The encrypted connection to the gateway does not come about.",
    todo: "Check that the URL's scheme and port are right; a proxy may be interfering.",
  },
  discovery: {
    means: "The gateway did not say what it offers.",
    todo: "Open its URL in a browser; ask whoever runs it.",
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
      "Something between this machine and the gateway does not let WebSockets through, so there is no tunnel.",
    todo: "Ask for WebSockets to the gateway to be allowed, or use a network where its SSH port is open.",
  },
  "sign-in": {
    means: "The gateway did not accept who you are.",
    todo: "Sign in again: `sallyport login GATEWAY`.",
  },
  workspace: {
    means: "The gateway does not connect you to this workspace.",
    todo: "See `sallyport list`.",
  },
  "host-key": {
    means: "The connection ended before the workspace's SSH server had shown its key.",
    todo: "Look at `sallyport host` in the workspace, and try again.",
  },
  key: {
    means: "The workspace's SSH server let none of your keys in.",
    todo: "See `sallyport keys list` for the keys that it should take.",
  },
  exec: {
    means: "You are signed in, but no command runs in the workspace.",
    todo: "Look at the login shell there, and at its start-up files.",
  },
  forward: {
    means: "You are signed in, but connections are not forwarded into the workspace, which editors need.",
    todo: "Ask whoever runs the workspace to allow port forwarding.",
  },
};
