// The status bar of a window on a workspace: which one, by which way, how quick, how busy, and whether it is being looked for
// again. From the files that companions write, and, where there is no companion, from a probe of the gateway's SSH port.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  commands,
  type Disposable,
  l10n,
  MarkdownString,
  type QuickPickItem,
  StatusBarAlignment,
  window,
} from "vscode";
import { probeSsh } from "../../agent/client/reachability/reachability.ts";
import type { Section } from "../../agent/client/ssh-config/managed-config.ts";
import {
  formatRate,
  parseStatus,
  type Traffic,
  traffic,
} from "../../agent/client/tunnel/connection-status.ts";
import { statusDirectory } from "../../agent/client/tunnel/status-file.ts";
import { sessionKey } from "../../agent/client/workspaces/workspace-list.ts";
import { describe } from "../failure-message.ts";
import { machine } from "../machine.ts";
import type { Services } from "../services.ts";
import { managedSections, sectionTransport } from "../ssh-config/managed-config.ts";
import { transportWord } from "../workspaces/tree-item.ts";
import { ownSection, refreshTransport } from "./remote-window.ts";

const LOOK_MS = 2_000;
/** A probe is a connection to the gateway: seldom. */
const PROBE_MS = 60_000;

export interface Look {
  readonly label: string;
  readonly transport: "direct" | "tunnel" | "owner-token";
  readonly roundTripMs: number | undefined;
  /** Bytes per second; undefined: nobody counts them. */
  readonly rate: number | undefined;
  readonly state: "connected" | "reconnecting" | "lost" | "offline";
}

let latest: Look | undefined;

export function startConnectionStatus(services: Services, section: Section): Disposable {
  const item = window.createStatusBarItem("sallyport.connection", StatusBarAlignment.Left, 10);
  item.name = l10n.t("Sallyport: Connection");
  item.command = "sallyport.showConnection";
  const source = new StatusSource(services, section);
  let over = false;
  const look = async (): Promise<void> => {
    try {
      latest = await source.look();
      item.text = statusText(latest);
      item.tooltip = tooltip(latest);
      item.accessibilityInformation = {
        label: l10n.t("Sallyport connection: {0}", words(latest).join(", ")),
      };
      if (!over) item.show();
    } catch (error) {
      services.log.debug(`The connection's status is not known: ${describe(error)}`);
    }
    if (!over) timer = setTimeout(() => void look(), LOOK_MS);
  };
  let timer: NodeJS.Timeout | undefined;
  void look();
  return {
    dispose: () => {
      over = true;
      clearTimeout(timer);
      item.dispose();
    },
  };
}

class StatusSource {
  readonly #services: Services;
  readonly #section: Section;
  #before: { readonly at: number; readonly traffic: Traffic } | undefined;
  #probe: { readonly at: number; readonly open: boolean; readonly ms: number } | undefined;
  #probing = false;
  #seen = false;

  constructor(services: Services, section: Section) {
    this.#services = services;
    this.#section = section;
  }

  async look(): Promise<Look> {
    const { gateway, id, alias } = this.#section;
    const current = managedSections().find((section) => section.alias === alias) ?? this.#section;
    const transport = sectionTransport(current);
    const workspace = this.#services.gateways.get(gateway)?.workspaces.get(id);
    const label = workspace?.name ?? alias;
    const facts = { label, transport };
    if (workspace?.online === false)
      return { ...facts, state: "offline", roundTripMs: undefined, rate: undefined };
    if (transport !== "tunnel") return { ...facts, ...(await this.#direct(current)), rate: undefined };
    const now = Date.now();
    const next = await readTraffic(id, now);
    const rate = this.#rate(next, now);
    this.#before = { at: now, traffic: next };
    if (next.connections > 0) this.#seen = true;
    const state = this.#state(next);
    if (state === "reconnecting") await this.#probeSometimes(current);
    return { ...facts, state, roundTripMs: next.roundTripMs, rate };
  }

  #state({ connections, reconnecting, lost }: Traffic): Look["state"] {
    if (connections > 0) return reconnecting > 0 ? "reconnecting" : "connected";
    if (lost > 0) return "lost";
    return this.#seen ? "reconnecting" : "connected";
  }

  /** A companion that has ended takes its bytes along. */
  #rate(next: Traffic, now: number): number {
    if (this.#before === undefined || now === this.#before.at) return 0;
    return Math.max(0, ((next.bytes - this.#before.traffic.bytes) * 1000) / (now - this.#before.at));
  }

  async #direct(current: Section): Promise<Pick<Look, "state" | "roundTripMs">> {
    await this.#probeSometimes(current);
    const probe = this.#probe;
    if (probe === undefined) return { state: "connected", roundTripMs: undefined };
    return probe.open
      ? { state: "connected", roundTripMs: probe.ms }
      : { state: "reconnecting", roundTripMs: undefined };
  }

  /** Where the port has closed, the way is changed for the next attempt of Remote-SSH. */
  async #probeSometimes(current: Section): Promise<void> {
    if (this.#probing || (this.#probe !== undefined && Date.now() - this.#probe.at < PROBE_MS)) return;
    const ssh = (await this.#services.gateways.get(current.gateway)?.discovery())?.ssh;
    if (ssh === undefined || ssh === null) return;
    this.#probing = true;
    try {
      const { kind, ms } = await probeSsh(ssh);
      this.#probe = { at: Date.now(), open: kind === "open", ms };
      const other = (kind === "open") !== (sectionTransport(current) !== "tunnel");
      if (other) await refreshTransport(this.#services, current, AbortSignal.timeout(LOOK_MS * 5));
    } finally {
      this.#probing = false;
    }
  }
}

async function readTraffic(workspace: string, now: number): Promise<Traffic> {
  const directory = statusDirectory(machine());
  // No directory: no companion has ever run here.
  const names = await readdir(directory).catch(() => []);
  const own = names.filter((name) => name.startsWith(`${workspace}.`) && name.endsWith(".json"));
  const texts = await Promise.all(
    own.slice(0, 50).map((name) => readFile(join(directory, name), "utf8").catch(() => "")),
  );
  return traffic(
    texts.flatMap((text) => parseStatus(text) ?? []),
    now,
  );
}

function statusText(look: Look): string {
  const icon =
    look.state === "connected"
      ? "$(plug)"
      : look.state === "offline" || look.state === "lost"
        ? "$(debug-disconnect)"
        : "$(sync~spin)";
  return `${icon} ${words(look).join(" · ")}`;
}

function words({ label, transport, roundTripMs, rate, state }: Look): string[] {
  return [
    label,
    transportWord(transport),
    ...(state === "reconnecting" ? [l10n.t("reconnecting")] : []),
    ...(state === "lost" ? [l10n.t("connection lost")] : []),
    ...(state === "offline" ? [l10n.t("offline")] : []),
    ...(roundTripMs === undefined ? [] : [`${roundTripMs} ms`]),
    ...(rate === undefined || rate < 1 ? [] : [formatRate(rate)]),
  ];
}

function tooltip(look: Look): MarkdownString {
  const text = new MarkdownString(`**${look.label}**\n\n`);
  text.appendText(words(look).slice(1).join(" · "));
  text.appendMarkdown(`\n\n${l10n.t("Click for details")}`);
  return text;
}

/** What a click on the status bar shows. */
export async function showConnection(services: Services): Promise<void> {
  const section = ownSection();
  if (section === undefined) {
    void window.showInformationMessage(l10n.t("This window is not open on a workspace of Sallyport's."));
    return;
  }
  const node = { kind: "session", gateway: section.gateway, id: section.id };
  const items: (QuickPickItem & { command: string })[] = [
    { label: `$(info) ${l10n.t("Show Details")}`, command: "sallyport.showDetails" },
    { label: `$(pulse) ${l10n.t("Diagnose Connection")}`, command: "sallyport.diagnose" },
    { label: `$(copy) ${l10n.t("Copy SSH Command")}`, command: "sallyport.copySshCommand" },
    { label: `$(output) ${l10n.t("Show Log")}`, command: "sallyport.showLog" },
  ];
  const title = latest === undefined ? section.alias : words(latest).join(" · ");
  const picked = await window.showQuickPick(items, { title });
  services.log.debug(`${sessionKey(section.gateway, section.id)}: ${title}`);
  if (picked !== undefined) await commands.executeCommand(picked.command, node);
}
