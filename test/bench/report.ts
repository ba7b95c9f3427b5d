// The result as tables that read well both in a terminal and as Markdown, and the aims with what was reached.

import type { DelayResult } from "./parts/delay.ts";
import type { IdleRow } from "./parts/idle.ts";
import type { StartUpRow } from "./parts/start-up.ts";
import type { Measured, TrafficRow } from "./parts/traffic.ts";
import { rounded } from "./statistics.ts";
import { BASE } from "./subjects/all.ts";

export interface Result {
  readonly command: string;
  machine: Readonly<Record<string, string | number | boolean>>;
  readonly versions: Readonly<Record<string, string>>;
  skipped: Record<string, string>;
  startUp?: StartUpRow[];
  traffic?: TrafficRow[];
  delay?: DelayResult;
  idle?: IdleRow[];
  aims?: Aim[];
}

export interface Aim {
  readonly aim: string;
  readonly limit: string;
  readonly reached: number;
  readonly met: boolean;
}

type Cell = string | number | boolean | undefined;

export function render(result: Result): string {
  const { machine, versions, skipped, command } = result;
  const parts = [
    `Command: \`${command}\``,
    table(["machine", ""], Object.entries(machine)),
    table(["program", "version"], Object.entries(versions)),
  ];
  if (result.aims !== undefined && result.aims.length > 0) {
    parts.push(
      "## Aims",
      table(
        ["aim", "limit", "reached", ""],
        result.aims.map(({ aim, limit, reached, met }) => [aim, limit, reached, met ? "met" : "missed"]),
      ),
    );
  }
  if (result.traffic !== undefined) parts.push(...trafficTables(result.traffic));
  if (result.delay !== undefined) parts.push(...delayTables(result.delay));
  if (result.idle !== undefined) parts.push(...idleTables(result.idle));
  if (result.startUp !== undefined) {
    parts.push(
      "## Start-up of the client",
      "From spawn to the first byte on the wire; `node -e 0` from spawn to exit.",
      table(
        ["client", "median ms", "p90 ms", "of node -e 0"],
        result.startUp.map(({ name, medianMs, p90Ms, ofNode }) => [name, medianMs, p90Ms, ofNode]),
      ),
    );
  }
  if (Object.keys(skipped).length > 0) {
    parts.push(
      "## Left out",
      table(
        ["what", "why"],
        Object.entries(skipped).map(([name, why]) => [name, why.replace(/\s+/g, " ").slice(0, 160)]),
      ),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

function trafficTables(rows: readonly TrafficRow[]): string[] {
  const bare = rows.find(({ name }) => name === "bare TCP")?.values.echoP50Ms;
  const shown = ({ values }: TrafficRow, metrics: readonly (keyof Measured)[]): Cell[] =>
    metrics.map((metric) => values[metric]);
  return [
    "## Bulk",
    `CPU is in seconds per GB (10^9 bytes), user and system, of all processes of a subject; × is its ratio to ${BASE} in the same round.`,
    table(
      ["", "up MB/s", "CPU s/GB", "×", "down MB/s", "CPU s/GB", "×", "64 streams MB/s", "CPU s/GB", "×"],
      rows.map((row) => [
        row.name,
        ...shown(row, ["upMBps", "upCpu"]),
        row.ratios.upCpu,
        ...shown(row, ["downMBps", "downCpu"]),
        row.ratios.downCpu,
        ...shown(row, ["streamsMBps", "streamsCpu"]),
        row.ratios.streamsCpu,
      ]),
    ),
    "## Echo and connections",
    "One message of 64 bytes there and back, milliseconds; under load: beside an upload at full speed through the same subject. Short connections: opened, used once and closed, eight at a time.",
    table(
      [
        "",
        "echo p50",
        "p99",
        "added p50",
        "loaded p50",
        "p99",
        "connect p50",
        "p99",
        "a second",
        "CPU ms each",
      ],
      rows.map((row) => [
        row.name,
        ...shown(row, ["echoP50Ms", "echoP99Ms"]),
        bare === undefined || row.values.echoP50Ms === undefined
          ? undefined
          : rounded(row.values.echoP50Ms - bare),
        ...shown(row, ["loadedP50Ms", "loadedP99Ms", "connectP50Ms", "connectP99Ms"]),
        ...shown(row, ["connectionsPerSecond", "connectionCpuMs"]),
      ]),
    ),
  ];
}

function delayTables({ rows, congestionControl }: DelayResult): string[] {
  return [
    "## Over a long line",
    `One stream over a line in a network namespace of its own, with the given round trip and loss each way, MTU 1500, TCP ${congestionControl}. Sallyport's host is near its gateway, the companion far.`,
    table(
      ["", "round trip ms", "loss %", "up MB/s", "of bare TCP", "down MB/s", "of bare TCP", "echo p50 ms"],
      rows.map((row) => [
        row.name,
        row.roundTripMs,
        row.loss * 100,
        row.upMBps,
        row.upOfBareTcp,
        row.downMBps,
        row.downOfBareTcp,
        row.echoP50Ms,
      ]),
    ),
  ];
}

function idleTables(rows: readonly IdleRow[]): string[] {
  return [
    "## Idle tunnels",
    "The server's side: Sallyport's gateway, which holds two WebSockets a tunnel, or the peer's server, which holds one (chisel: one for all, as they come from one client).",
    table(
      ["", "tunnels", "KiB each", "CPU % of a core", "new connection ms", "with none", "ratio"],
      rows.map((row) => [
        row.name,
        row.tunnels,
        row.serverKiBPerTunnel,
        row.serverCpuPercent,
        row.newConnectionMs,
        row.newConnectionIdleMs,
        row.ratio,
      ]),
    ),
  ];
}

/** What issue and design ask for, as far as this run says something about it. */
export function judge({ traffic = [], delay, idle = [], startUp = [] }: Result): Aim[] {
  const aims: Aim[] = [];
  const atMost = (aim: string, limit: number, reached: number | undefined): void => {
    if (reached === undefined || Number.isNaN(reached)) return;
    aims.push({ aim, limit: `≤ ${limit}`, reached: rounded(reached), met: reached <= limit });
  };
  const find = (name: string) => traffic.find((row) => row.name === name)?.values;
  const [own, bare] = [find(BASE), find("bare TCP")];
  const cpu = (values: Measured | undefined): number =>
    ((values?.upCpu ?? Number.NaN) + (values?.downCpu ?? Number.NaN)) / 2;
  atMost("CPU s/GB over TLS, of chisel's", 0.6, cpu(own) / cpu(find("chisel, wss")));
  atMost("CPU s/GB over TLS, of wstunnel's", 1.3, cpu(own) / cpu(find("wstunnel, wss")));
  atMost("CPU s/GB that the resume layer adds", 0.3, cpu(own) - cpu(withoutResume(traffic, own)));
  if (own?.echoP50Ms !== undefined && bare?.echoP50Ms !== undefined)
    atMost("added echo p50, ms", 0.3, own.echoP50Ms - bare.echoP50Ms);
  for (const row of delay?.rows ?? []) {
    if (row.name !== BASE || row.roundTripMs !== 50 || row.loss !== 0) continue;
    const reached = Math.min(row.upOfBareTcp, row.downOfBareTcp);
    aims.push({ aim: "throughput at 50 ms, of bare TCP's", limit: "≥ 0.9", reached, met: reached >= 0.9 });
  }
  atMost(
    "start of the companion, of node -e 0",
    1.5,
    startUp.find(({ name }) => name.startsWith("sallyport"))?.ofNode,
  );
  for (const { name, tunnels, serverKiBPerTunnel, ratio } of idle) {
    // Fewer say more about the pages of the heap than about tunnels.
    if (!name.startsWith("sallyport") || tunnels < 1_000) continue;
    atMost(`gateway KiB per idle tunnel, ${tunnels} of them (${name})`, 12, serverKiBPerTunnel);
    atMost(`new connection beside ${tunnels} idle tunnels, of its time without (${name})`, 2, ratio);
  }
  return aims;
}

/** What raw would have cost in the same minutes, by the ratios of the rounds. */
function withoutResume(traffic: readonly TrafficRow[], own: Measured | undefined): Measured | undefined {
  const ratios = traffic.find(({ name }) => name === "sallyport, wss, raw")?.ratios;
  if (own?.upCpu === undefined || own.downCpu === undefined) return undefined;
  if (ratios?.upCpu === undefined || ratios.downCpu === undefined) return undefined;
  return { upCpu: own.upCpu * ratios.upCpu, downCpu: own.downCpu * ratios.downCpu };
}

/** A Markdown table with its columns aligned: words to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const text = [
    head.map(String),
    ...rows.map((row) =>
      row.map((cell) =>
        cell === undefined ? "–" : String(cell).replaceAll("|", "\\|").replaceAll("\n", " "),
      ),
    ),
  ];
  const numeric = head.map((_, column) => column > 0 && rows.every((row) => typeof row[column] !== "string"));
  const widths = head.map((_, column) => Math.max(3, ...text.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, i) => (numeric[i] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(text[0] ?? []), `| ${rule.join(" | ")} |`, ...text.slice(1).map(line)].join("\n");
}
