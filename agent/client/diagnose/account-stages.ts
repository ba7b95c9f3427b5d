// The stages about the account: who the person is to the gateway, and whether the gateway would connect them to the workspace.

import { CommandError } from "../../platform/command-error.ts";
import { formatDuration, relativeTime } from "../../platform/duration.ts";
import { gatewayApi } from "../gateway-api.ts";
import { explain, fail, warn } from "./advice.ts";
import type { Findings } from "./findings.ts";
import type { Verdict } from "./report.ts";
import type { Stage } from "./run-stages.ts";

const EXPIRES_SOON_MS = 24 * 3600 * 1000;

export function accountStages(findings: Findings): Stage[] {
  return [
    {
      id: "sign-in",
      // The keychain may ask the person first.
      deadlineMs: 35_000,
      needs: () => ["discovery"],
      run: (signal) => signIn(findings, signal),
    },
    {
      id: "workspace",
      deadlineMs: 15_000,
      needs: () => ["sign-in"],
      run: (signal) => workspace(findings, signal),
    },
  ];
}

async function signIn(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const { gateway, workspace } = findings.options;
  const credential = await findings.credential();
  if (credential.kind !== "account") {
    const { webSocket } = findings;
    if (webSocket?.kind === "refused" && webSocket.error.stage === "sign-in") throw webSocket.error;
    if (credential.kind === "owner")
      return { status: "ok", detail: "You have an owner token, for this workspace only." };
    if (workspace.kind === "id") return { status: "ok", detail: "Not needed: the workspace's id opens it." };
    throw new CommandError("sign-in", "unauthenticated", `You are not signed in at ${gateway}.`);
  }
  const { account, token } = await gatewayApi(gateway, {
    token: credential.token,
    signal,
    network: findings.network,
  }).me();
  if (!token.scopes.includes("connect")) {
    const detail = `You are ${account.name}, with an access token for: ${token.scopes.join(", ")}.`;
    return explain("sign-in", new CommandError("sign-in", "scope_missing", detail), gateway);
  }
  const now = new Date();
  const until = token.expiresAt === null ? "" : `, which expires ${relativeTime(token.expiresAt, now)}`;
  const detail = `You are ${account.name}, with the access token "${token.title}"${until}.`;
  if (token.expiresAt === null || Date.parse(token.expiresAt) - now.getTime() > EXPIRES_SOON_MS) {
    return { status: "ok", detail };
  }
  return warn("token_expires_soon", detail, {
    means: "Your access token expires soon.",
    todo: `Make a new one and sign in with it: \`sallyport login ${gateway}\`.`,
  });
}

async function workspace(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const { gateway, workspace: ref } = findings.options;
  const credential = await findings.credential();
  if (credential.kind === "account") {
    const api = gatewayApi(gateway, { token: credential.token, signal, network: findings.network });
    try {
      findings.record = await api.workspace(ref);
    } catch (error) {
      // An accountless workspace is in no list: the tunnel shows whether it is there.
      const unlisted =
        error instanceof CommandError && error.code === "workspace_unknown" && ref.kind === "id";
      if (!unlisted) throw error;
      return byTunnel(findings);
    }
    findings.registered = await api.keys().catch((error: unknown) => {
      // A token that may only connect cannot list keys; the advice is then more general.
      if (error instanceof CommandError) return undefined;
      throw error;
    });
    const provesKeys = findings.discovery?.capabilities.includes("key-proofs") === true;
    if (findings.registered !== undefined && provesKeys) findings.pendingKeys = await api.pendingKeys();
    return describe(findings);
  }
  return byTunnel(findings);
}

function describe({ record, options }: Findings): Verdict {
  if (record === undefined) throw new Error("There is no record to describe.");
  const name = record.mine ? record.name : `${record.owner}'s ${record.name}`;
  if (record.online && record.clockAhead !== undefined) return clockOff(name, record.clockAhead);
  if (record.online) return { status: "ok", detail: `${name} is online.` };
  const seen = record.lastSeenAt === null ? "" : `, last seen ${relativeTime(record.lastSeenAt, new Date())}`;
  const held =
    record.heldHostKeys === undefined
      ? ""
      : ` A host with a different host key wants to register as it: \`sallyport workspace host-key ${record.name}\` shows the key.`;
  const error = new CommandError("workspace", "workspace_offline", `${name} is offline${seen}.${held}`);
  return explain("workspace", error, options.gateway);
}

function clockOff(name: string, ahead: number): Verdict {
  const by = formatDuration(Math.abs(ahead));
  const where = ahead > 0 ? "ahead of" : "behind";
  return warn("clock_off", `${name} is online, but its clock is ${by} ${where} the gateway's.`, {
    means:
      "You can still sign in, but expiry times in its authorized_keys, TLS certificates and build tools may go wrong.",
    todo: "Set the clock there: `sudo timedatectl set-ntp true`, or in WSL `sudo hwclock -s`.",
  });
}

/** An accountless workspace is in no list: whether the tunnel opened says whether it is online. */
function byTunnel({ webSocket }: Findings): Verdict {
  if (webSocket?.kind === "open") return { status: "ok", detail: "It is online." };
  if (webSocket?.kind === "refused") throw webSocket.error;
  return fail("not_known", "Without the tunnel it is not known whether the workspace is online.", {
    means: "An accountless workspace can be reached only through the tunnel, which does not open.",
    todo: "See the stage about WebSockets.",
  });
}
