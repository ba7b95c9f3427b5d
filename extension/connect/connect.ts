// Connects to a workspace: runs the steps of the connect flow and shows their progress and failures.

import { l10n, ProgressLocation, window } from "vscode";
import { type ConnectState, type ConnectStep, connectFlow } from "../../agent/client/connect/connect-flow.ts";
import { workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { Workspace } from "../../protocol/api.ts";
import { showFailure } from "../failure-message.ts";
import { timeAgo } from "../relative-time.ts";
import type { Services } from "../services.ts";
import { writeConfig } from "./config-step.ts";
import { copyCommand, handOff, openTerminal, remoteSsh } from "./hand-off.ts";
import { chooseKey } from "./key-step.ts";
import type { ConnectTarget } from "./target.ts";
import { findTransport, noticeTunnel } from "./transport-step.ts";

export type Purpose = "here" | "new-window" | "terminal" | "copy-command";

export interface ConnectOptions {
  readonly purpose: Purpose;
  /** The folder on the workspace. Empty: none. Undefined: the most recent one. */
  readonly folder?: string;
}

/** Runs all steps. Failures are shown here, with the step that they came from. */
export async function connectTo(
  services: Services,
  target: ConnectTarget,
  options: ConnectOptions,
): Promise<void> {
  const label = workspaceLabel(target.workspace);
  const started = performance.now();
  const what = l10n.t("Connecting to {0}", label);
  const outcome = await window.withProgress(
    { location: ProgressLocation.Notification, title: what, cancellable: true },
    async (progress, cancellation) => {
      const abort = new AbortController();
      cancellation.onCancellationRequested(() => abort.abort());
      return await run(services, target, options, abort.signal, (state) => {
        if (state.kind === "running") progress.report({ message: stepName(state.step) });
        services.log.debug(`${label}: ${state.kind}${"step" in state ? ` ${state.step}` : ""}`);
      });
    },
  );
  const ms = Math.round(performance.now() - started);
  services.log.info(`${label}: ${outcome.kind} after ${ms} ms`);
  if (outcome.kind === "failed")
    await showFailure(services, `${what}: ${stepName(outcome.step)}`, outcome.error);
}

async function run(
  services: Services,
  target: ConnectTarget,
  { purpose, folder }: ConnectOptions,
  signal: AbortSignal,
  onState: (state: ConnectState) => void,
): Promise<ConnectState> {
  // The probe of the network starts at once; the steps wait for its answer when they need it.
  const transport = findTransport(target.gateway, signal);
  transport.catch(() => {
    // The key step or the transport step waits for the same promise and reports the failure.
  });
  const toEditor = purpose === "here" || purpose === "new-window";
  return await connectFlow(
    {
      keys: async () => {
        refuseOffline(target.workspace);
        if (toEditor && (await remoteSsh()) === undefined) return undefined;
        return await chooseKey(services, target, transport, signal);
      },
      transport: () => transport,
      config: (keys, choice) => writeConfig(services, target, keys, choice),
      handOff: async (config) => {
        await services.history.used(target.gateway.gateway, target.workspace.id);
        const choice = await transport;
        await noticeTunnel(services, target, choice);
        if (purpose === "terminal") return openTerminal(target, config);
        if (purpose === "copy-command") return await copyCommand(target, config);
        return await handOff(services, target, config, { newWindow: purpose === "new-window", folder });
      },
    },
    { signal, onState },
  );
}

function refuseOffline(workspace: Workspace): void {
  if (workspace.online) return;
  const { lastSeenAt } = workspace;
  throw new CommandError(
    "workspace",
    "workspace_offline",
    lastSeenAt === null
      ? l10n.t("The workspace is offline: start `sallyport host` there.")
      : l10n.t("The workspace is offline, last seen {0}: start `sallyport host` there.", timeAgo(lastSeenAt)),
  );
}

function stepName(step: ConnectStep): string {
  switch (step) {
    case "keys":
      return l10n.t("looking for your key");
    case "transport":
      return l10n.t("checking the network");
    case "config":
      return l10n.t("writing the SSH configuration");
    case "hand-off":
      return l10n.t("opening");
  }
}
