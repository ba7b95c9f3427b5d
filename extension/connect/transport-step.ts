// The second step: chooses the transport by what the network allows now. Direct goes to the gateway's SSH port, the
// tunnel through HTTPS.

import { commands, l10n, window } from "vscode";
import { currentNetwork } from "../../agent/client/reachability/network-fingerprint.ts";
import { chooseTransport, type TransportChoice } from "../../agent/client/reachability/reachability.ts";
import { ReachabilityCache } from "../../agent/client/reachability/reachability-cache.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { cacheDirectory } from "../../agent/platform/paths.ts";
import type { Discovery } from "../../protocol/api.ts";
import type { Gateway } from "../accounts/gateways.ts";
import { machine } from "../machine.ts";
import { leaveNotice } from "../remote-window/left-notice.ts";
import type { Services } from "../services.ts";
import { notifiesAboutTunnel, transportSetting } from "../settings.ts";
import type { ConnectTarget } from "./target.ts";

export interface FoundTransport extends TransportChoice {
  readonly discovery: Discovery;
  /** How long the SSH port took to answer, in ms; undefined when it was not probed or did not answer. */
  readonly bannerMs: number | undefined;
}

let cache: ReachabilityCache | undefined;

/** `fresh` probes again instead of using a cached answer, such as after a failed connection. @throws CommandError */
export async function findTransport(
  gateway: Gateway,
  signal: AbortSignal,
  fresh = false,
): Promise<FoundTransport> {
  const discovery = await gateway.discovery();
  // Without an SSH port there is one transport only, whatever is set for the gateways that have one.
  const setting = discovery.ssh === null ? "auto" : transportSetting();
  if (setting !== "auto" || discovery.ssh === null) {
    return { ...chooseTransport(setting, undefined), discovery, bannerMs: undefined };
  }
  cache ??= new ReachabilityCache({ directory: cacheDirectory(machine()) });
  const probe = await cache.ask(discovery.ssh, { signal, fresh });
  const bannerMs = probe.kind === "open" ? probe.ms : undefined;
  return { ...chooseTransport(setting, probe), discovery, bannerMs };
}

/** Says once per network that it blocks SSH's own port. Resolves when the window may be left. */
export async function noticeTunnel(
  services: Services,
  target: ConnectTarget,
  { transport, because }: FoundTransport,
): Promise<void> {
  if (transport !== "tunnel" || because === "chosen" || because === "open" || because === "no-ssh-port")
    return;
  if (!notifiesAboutTunnel()) return;
  const { gateway } = target.gateway;
  if (!(await services.history.isNewNetwork(`${currentNetwork()} ${gateway}`))) return;
  await leaveNotice(services, target, { kind: "tunnel", because });
  void showTunnelNotice(target, because);
}

export async function showTunnelNotice(
  { gateway: { gateway }, workspace }: ConnectTarget,
  because: FoundTransport["because"],
): Promise<void> {
  const why = l10n.t("Why?");
  const diagnose = l10n.t("Diagnose");
  const answer = await window.showInformationMessage(
    l10n.t(
      "This network blocks SSH to {0}. Sallyport uses the tunnel over HTTPS instead.",
      gatewayLabel(gateway),
    ),
    why,
    diagnose,
  );
  if (answer === diagnose) {
    await commands.executeCommand("sallyport.diagnose", {
      kind: "workspace",
      gateway,
      id: workspace.id,
    });
  }
  if (answer === why) await explain(because);
}

async function explain(because: FoundTransport["because"]): Promise<void> {
  await window.showInformationMessage(blockedWord(because), {
    modal: true,
    detail: l10n.t(
      "The tunnel carries the same SSH connection inside HTTPS, encrypted end to end between your machine and the workspace. Nothing else changes. Sallyport checks again for each connection and goes back to SSH's own port as soon as it is open. To always use one or the other, change the setting “sallyport.transport”.",
    ),
  });
}

function blockedWord(because: FoundTransport["because"]): string {
  switch (because) {
    case "refused":
      return l10n.t("The connection to the gateway's SSH port was refused.");
    case "dropped":
      return l10n.t(
        "The gateway's SSH port does not answer: something on the network path drops the connection.",
      );
    case "silent":
      return l10n.t(
        "Something on the network path accepts the connection to the gateway's SSH port and then stays silent.",
      );
    case "not-ssh":
      return l10n.t("Something other than SSH answers at the gateway's SSH port.");
    case "dns":
      return l10n.t("The name of the gateway's SSH port cannot be resolved here.");
    case "no-ssh-port":
      return l10n.t("The gateway has no SSH port.");
    case "chosen":
      return l10n.t("The setting “sallyport.transport” says so.");
    case "open":
      return l10n.t("The gateway's SSH port is open.");
  }
}
