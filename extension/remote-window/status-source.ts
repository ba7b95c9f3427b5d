// The state of the connection to a window's workspace. With the tunnel it is read from the status files that companions
// write; with the direct transport, which has no companion, it comes from a probe of the gateway's SSH port.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { probeSsh } from "../../agent/client/reachability/reachability.ts";
import type { Section } from "../../agent/client/ssh-config/managed-config.ts";
import { parseStatus, type Traffic, traffic } from "../../agent/client/tunnel/connection-status.ts";
import { statusDirectory } from "../../agent/client/tunnel/status-file.ts";
import { machine } from "../machine.ts";
import type { Services } from "../services.ts";
import { managedSections, sectionTransport } from "../ssh-config/managed-config.ts";

/** A probe is a connection to the gateway, so it is made rarely. */
const PROBE_MS = 60_000;

export interface WindowConnection {
  readonly label: string;
  readonly transport: "direct" | "tunnel" | "owner-token";
  readonly roundTripMs: number | undefined;
  /** Bytes per second; undefined with the direct transport, where nothing counts them. */
  readonly bytesPerSecond: number | undefined;
  readonly state: "connected" | "reconnecting" | "lost" | "offline";
}

export class StatusSource {
  readonly #services: Services;
  readonly #section: Section;
  readonly #onOtherTransport: (current: Section) => Promise<void>;
  #before: { readonly at: number; readonly traffic: Traffic } | undefined;
  #probe: { readonly at: number; readonly open: boolean; readonly ms: number } | undefined;
  #probing = false;
  #seen = false;

  constructor(services: Services, section: Section, onOtherTransport: (current: Section) => Promise<void>) {
    this.#services = services;
    this.#section = section;
    this.#onOtherTransport = onOtherTransport;
  }

  async read(): Promise<WindowConnection> {
    const { gateway, id, alias } = this.#section;
    const current = managedSections().find((section) => section.alias === alias) ?? this.#section;
    const transport = sectionTransport(current);
    const workspace = this.#services.gateways.get(gateway)?.workspaces.get(id);
    const label = workspace?.name ?? alias;
    const facts = { label, transport };
    if (workspace?.online === false)
      return { ...facts, state: "offline", roundTripMs: undefined, bytesPerSecond: undefined };
    if (transport !== "tunnel")
      return { ...facts, ...(await this.#direct(current)), bytesPerSecond: undefined };
    const now = Date.now();
    const next = await readTraffic(id, now);
    const bytesPerSecond = this.#bytesPerSecond(next, now);
    this.#before = { at: now, traffic: next };
    if (next.connections > 0) this.#seen = true;
    const state = this.#state(next);
    if (state === "reconnecting") await this.#probeSometimes(current);
    return { ...facts, state, roundTripMs: next.roundTripMs, bytesPerSecond };
  }

  #state({ connections, reconnecting, lost }: Traffic): WindowConnection["state"] {
    if (connections > 0) return reconnecting > 0 ? "reconnecting" : "connected";
    if (lost > 0) return "lost";
    return this.#seen ? "reconnecting" : "connected";
  }

  /** Bytes per second. Never negative: when a companion ends, its bytes are missing from the next sum. */
  #bytesPerSecond(next: Traffic, now: number): number {
    if (this.#before === undefined || now === this.#before.at) return 0;
    return Math.max(0, ((next.bytes - this.#before.traffic.bytes) * 1000) / (now - this.#before.at));
  }

  async #direct(current: Section): Promise<Pick<WindowConnection, "state" | "roundTripMs">> {
    await this.#probeSometimes(current);
    const probe = this.#probe;
    if (probe === undefined) return { state: "connected", roundTripMs: undefined };
    return probe.open
      ? { state: "connected", roundTripMs: probe.ms }
      : { state: "reconnecting", roundTripMs: undefined };
  }

  /** Where the port has opened or closed since, the caller is told, for the next attempt of Remote-SSH. */
  async #probeSometimes(current: Section): Promise<void> {
    if (this.#probing || (this.#probe !== undefined && Date.now() - this.#probe.at < PROBE_MS)) return;
    const ssh = (await this.#services.gateways.get(current.gateway)?.discovery())?.ssh;
    if (ssh === undefined || ssh === null) return;
    this.#probing = true;
    try {
      const { kind, ms } = await probeSsh(ssh);
      this.#probe = { at: Date.now(), open: kind === "open", ms };
      const other = (kind === "open") !== (sectionTransport(current) !== "tunnel");
      if (other) await this.#onOtherTransport(current);
    } finally {
      this.#probing = false;
    }
  }
}

async function readTraffic(workspace: string, now: number): Promise<Traffic> {
  const directory = statusDirectory(machine());
  // There is no directory until a companion has run here.
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
