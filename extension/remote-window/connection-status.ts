// The status bar item of a window on a workspace: its name, transport, round trip, traffic, and whether it is
// reconnecting.

import {
  commands,
  type Disposable,
  l10n,
  MarkdownString,
  type QuickPickItem,
  StatusBarAlignment,
  window,
} from "vscode";
import type { Section } from "../../agent/client/ssh-config/managed-config.ts";
import { formatRate } from "../../agent/client/tunnel/connection-status.ts";
import { workspaceKey } from "../../agent/client/workspaces/workspace-list.ts";
import { describe } from "../failure-message.ts";
import type { Services } from "../services.ts";
import { transportWord } from "../workspaces/workspace-words.ts";
import { ownSection } from "./own-section.ts";
import { StatusSource, type WindowConnection } from "./status-source.ts";

const READ_EVERY_MS = 2_000;

let latest: WindowConnection | undefined;

/** `onOtherTransport` is called when a probe finds that the other transport is the right one now. */
export function startConnectionStatus(
  services: Services,
  section: Section,
  onOtherTransport: (current: Section) => Promise<void>,
): Disposable {
  const item = window.createStatusBarItem("sallyport.connection", StatusBarAlignment.Left, 10);
  item.name = l10n.t("Sallyport: Connection");
  item.command = "sallyport.showConnection";
  const source = new StatusSource(services, section, onOtherTransport);
  let over = false;
  const update = async (): Promise<void> => {
    try {
      latest = await source.read();
      item.text = statusText(latest);
      item.tooltip = tooltip(latest);
      item.accessibilityInformation = {
        label: l10n.t("Sallyport connection: {0}", words(latest).join(", ")),
      };
      if (!over) item.show();
    } catch (error) {
      services.log.debug(`The connection's status is not known: ${describe(error)}`);
    }
    if (!over) timer = setTimeout(() => void update(), READ_EVERY_MS);
  };
  let timer: NodeJS.Timeout | undefined;
  void update();
  return {
    dispose: () => {
      over = true;
      clearTimeout(timer);
      item.dispose();
    },
  };
}

function statusText(status: WindowConnection): string {
  const icon =
    status.state === "connected"
      ? "$(plug)"
      : status.state === "offline" || status.state === "lost"
        ? "$(debug-disconnect)"
        : "$(sync~spin)";
  return `${icon} ${words(status).join(" · ")}`;
}

function words({ label, transport, roundTripMs, bytesPerSecond, state }: WindowConnection): string[] {
  return [
    label,
    transportWord(transport),
    ...(state === "reconnecting" ? [l10n.t("reconnecting")] : []),
    ...(state === "lost" ? [l10n.t("connection lost")] : []),
    ...(state === "offline" ? [l10n.t("offline")] : []),
    ...(roundTripMs === undefined ? [] : [`${roundTripMs} ms`]),
    ...(bytesPerSecond === undefined || bytesPerSecond < 1 ? [] : [formatRate(bytesPerSecond)]),
  ];
}

function tooltip(status: WindowConnection): MarkdownString {
  const text = new MarkdownString(`**${status.label}**\n\n`);
  text.appendText(words(status).slice(1).join(" · "));
  text.appendMarkdown(`\n\n${l10n.t("Click for details")}`);
  return text;
}

/** What a click on the status bar shows. */
export async function showConnection(services: Services): Promise<void> {
  const section = ownSection();
  if (section === undefined) {
    void window.showInformationMessage(l10n.t("This window is not open on a Sallyport workspace."));
    return;
  }
  const node = { kind: "workspace", gateway: section.gateway, id: section.id };
  const items: (QuickPickItem & { command: string })[] = [
    { label: `$(info) ${l10n.t("Show Details")}`, command: "sallyport.showDetails" },
    { label: `$(pulse) ${l10n.t("Diagnose Connection")}`, command: "sallyport.diagnose" },
    { label: `$(copy) ${l10n.t("Copy SSH Command")}`, command: "sallyport.copySshCommand" },
    { label: `$(output) ${l10n.t("Show Log")}`, command: "sallyport.showLog" },
  ];
  const title = latest === undefined ? section.alias : words(latest).join(" · ");
  const picked = await window.showQuickPick(items, { title });
  services.log.debug(`${workspaceKey(section.gateway, section.id)}: ${title}`);
  if (picked !== undefined) await commands.executeCommand(picked.command, node);
}
