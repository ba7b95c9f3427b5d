// The stages of SSH itself, with the system's ssh over the chosen transport: the workspace's host key, the person's key, a
// command, and a forwarded connection. The first three watch one run of ssh, each until its question is answered.

import { ProtocolError } from "../../../protocol/errors.ts";
import { parseSshAddress } from "../../../protocol/values/host-name.ts";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { CommandError } from "../../platform/command-error.ts";
import { hostKeyAlias } from "../known-hosts/known-hosts-lines.ts";
import { pinnedHostKeys } from "../known-hosts/ssh-command-known-hosts.ts";
import { assignAliases, gatewayAlias } from "../ssh-config/alias.ts";
import { adviceFor, fail, warn } from "./advice.ts";
import type { Findings } from "./findings.ts";
import { keyVerdict } from "./key-verdict.ts";
import type { StageId, Verdict } from "./report.ts";
import type { Stage } from "./run-stages.ts";
import { lastWords, type SshProgress } from "./ssh-log.ts";
import { type SshTrial, TrialDirectory, type TrialState } from "./ssh-trial.ts";
import type { TrialTarget } from "./trial-ssh-config.ts";

export function sshStages(findings: Findings): Stage[] {
  const stage = (
    id: StageId,
    deadlineMs: number,
    needs: () => readonly StageId[],
    run: (findings: Findings, signal: AbortSignal) => Promise<Verdict>,
  ): Stage => ({ id, deadlineMs, needs, run: (signal) => run(findings, signal) });
  const transportStages = (): StageId[] =>
    findings.transport === "direct" ? ["ssh-port", "ssh-banner"] : ["websocket"];
  return [
    stage("host-key", 20_000, () => ["workspace", ...transportStages()], hostKey),
    stage("key", 20_000, () => ["host-key"], key),
    stage("exec", 15_000, () => ["key"], exec),
    stage("forward", 20_000, () => ["exec"], forward),
  ];
}

async function hostKey(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const target = trialTarget(findings);
  if (target.hostKeys.length === 0) {
    return fail("no_host_key", "No host key is known for the workspace.", {
      means:
        "The host key of the workspace is not known, so the server that answers cannot prove that it is the workspace.",
      todo: "Ask for the host key that `sallyport host` printed, and connect once with `sallyport ssh --host-key KEY WORKSPACE`.",
    });
  }
  const trial = startTrial(findings, target);
  const state = await trial.until(
    ({ progress }) => progress.hostKeyTrusted || progress.authenticated,
    signal,
  );
  const { hostKey: seen } = state.progress;
  const expected = target.hostKeys.map(({ fingerprint }) => fingerprint);
  if (seen !== undefined && expected.includes(seen.fingerprint)) {
    return { status: "ok", detail: `${seen.type} ${seen.fingerprint}, as published.` };
  }
  if (seen !== undefined) {
    return mismatch(
      `The workspace has the host key ${seen.fingerprint}, but the gateway publishes ${expected.join(", ")}.`,
    );
  }
  return withoutHostKey(findings, state);
}

/** ssh ended before it reached the workspace's server. On the direct transport the gateway's SSH port may be the reason. */
function withoutHostKey(findings: Findings, state: TrialState): Verdict {
  if (state.ended?.kind === "not-started") throw notStarted(findings, state.ended.code);
  const { means, todo } = adviceFor("host-key");
  const jump = findings.directory?.jumpProgress();
  if (findings.transport === "direct" && jump?.hostKey !== undefined && !jump.authenticated) {
    if (!jump.hostKeyTrusted) {
      const published = (findings.discovery?.hostKeys ?? []).map((line) => parsePublicKey(line).fingerprint);
      return mismatch(
        `The gateway's SSH port has the host key ${jump.hostKey.fingerprint}, but the gateway publishes ${published.join(", ")}.`,
      );
    }
    const detail =
      "Not seen: the gateway's SSH port accepted none of your keys. Its own host key is the published one.";
    return { status: "skipped", detail, blockedBy: undefined };
  }
  const words = (jump === undefined ? undefined : lastWords(jump)) ?? lastWords(state.progress);
  return fail("no_connection", words ?? "ssh ended without a word.", { means, todo });
}

function mismatch(detail: string): Verdict {
  return fail("host_key_mismatch", detail, {
    means:
      "The server that answered does not have the published host key: its host was set up again, or somebody intercepts the connection.",
    todo: "Do not connect. Ask the workspace's owner whether its host key has changed; if so, have them restart `sallyport host`.",
  });
}

async function key(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const trial = trialOf(findings);
  const state = await trial.until(({ progress }) => progress.authenticated, signal);
  const jump = findings.transport === "direct" ? findings.directory?.jumpProgress() : undefined;
  // If the gateway's SSH port accepted no key, its conversation tells why.
  const atGateway = jump !== undefined && !jump.authenticated;
  const progress: SshProgress = atGateway ? jump : state.progress;
  return keyVerdict(progress, {
    registered: findings.registered?.map(({ fingerprint }) => fingerprint),
    pending: findings.pendingKeys,
    ssh: findings.discovery?.ssh ?? null,
    by: atGateway ? "The gateway's SSH port" : "The workspace",
    gateway: findings.options.gateway,
  });
}

async function exec(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const state = await trialOf(findings).until(() => false, signal);
  const code = state.ended?.kind === "exited" ? state.ended.code : null;
  if (code === 0 && state.output === "") {
    return { status: "ok", detail: `\`true\` ran, over the ${transportName(findings)}.` };
  }
  if (code === 0) {
    const shown = JSON.stringify(state.output.slice(0, 80));
    return warn("noisy_shell", `\`true\` ran, but something printed ${shown}.`, {
      means: "A start-up file of the login shell prints something, which breaks scp, sftp and rsync.",
      todo: "Let the shell's start-up files print only when they have a terminal.",
    });
  }
  const words = lastWords(state.progress);
  const detail = `\`true\` ended with ${code ?? "a signal"}${words === undefined ? "." : `: ${words}`}`;
  return fail(code === 255 ? "cut_off" : "exit_status", detail, adviceFor("exec"));
}

/** To a port that nothing uses: that the workspace tries, and fails, shows that forwarding is allowed. */
async function forward(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const { directory } = findings;
  if (directory === undefined) throw new Error("No trial is running.");
  const state = await directory.run(["-W", "127.0.0.1:1"], []).until(() => false, signal);
  const failed = state.progress.messages.find((line) => /open failed: /.test(line)) ?? "";
  const works = /open failed: connect failed/.test(failed);
  if (works || (state.ended?.kind === "exited" && state.ended.code === 0)) {
    return { status: "ok", detail: "The workspace forwards connections for you." };
  }
  const reason =
    /open failed: (.*)$/.exec(failed)?.[1] ?? lastWords(state.progress) ?? "ssh ended without a word";
  const refused = /prohibited|unknown channel type/.test(reason);
  return fail(
    refused ? "forwarding_refused" : "forwarding_failed",
    `The workspace did not forward a connection: ${reason}.`,
    adviceFor("forward"),
  );
}

function startTrial(findings: Findings, target: TrialTarget): SshTrial {
  const { ssh, configFile, machine, token, gateway } = findings.options;
  // The companion itself finds a token that `sallyport login` stored; a given token reaches it by the environment.
  const env =
    token === undefined || target.transport.kind === "direct"
      ? machine.env
      : { ...machine.env, SALLYPORT_TOKEN: token, SALLYPORT_GATEWAY: gateway };
  const program = ssh ?? "ssh";
  findings.directory = new TrialDirectory(target, { program, configFile, platform: machine.platform }, env);
  findings.trial = findings.directory.run([], ["true"]);
  return findings.trial;
}

function trialOf({ trial }: Findings): SshTrial {
  if (trial === undefined) throw new Error("No trial is running.");
  return trial;
}

function trialTarget(findings: Findings): TrialTarget {
  const { gateway, companion, machine } = findings.options;
  const { discovery, record } = findings;
  const alias = findings.options.alias ?? aliasOf(findings);
  const ssh = discovery?.ssh ?? undefined;
  return {
    alias,
    workspace: findings.workspaceName,
    hostKeys:
      record === undefined
        ? (findings.options.hostKeys ??
          pinnedHostKeys(hostKeyAlias(findings.options.workspace, gateway), machine.env))
        : parseKeys(record.hostKeys),
    transport:
      findings.transport === "direct" && ssh !== undefined
        ? {
            kind: "direct",
            jump: gatewayAlias(gateway),
            ...parseSshAddress(ssh),
            hostKeys: parseKeys(discovery?.hostKeys ?? []),
          }
        : { kind: "tunnel", gateway, companion },
  };
}

/** The workspace's alias in the managed config, so that the settings of its block apply here too. */
function aliasOf({ record, options: { gateway, workspace } }: Findings): string {
  if (record === undefined) return hostKeyAlias(workspace, gateway);
  const aliased = { ...record, id: parseWorkspaceId(record.id), gateway };
  const alias = assignAliases([aliased]).get(aliased);
  if (alias === undefined) throw new Error(`There is no alias for ${record.id}.`);
  return alias;
}

function parseKeys(lines: readonly string[]): SshPublicKey[] {
  return lines.flatMap((line) => {
    try {
      return parsePublicKey(line);
    } catch (error) {
      // A newer gateway may have keys of a type that this version does not know.
      if (error instanceof ProtocolError) return [];
      throw error;
    }
  });
}

function notStarted({ options }: Findings, code: string): CommandError {
  return new CommandError("ssh", "no_ssh", `${options.ssh ?? "ssh"} cannot be started (${code}).`);
}

function transportName({ transport }: Findings): string {
  return transport === "direct" ? "gateway's SSH port" : "tunnel over HTTPS";
}
