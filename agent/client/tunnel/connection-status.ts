// The status file of a companion, which an editor's status bar reads: its shape, its name, and sums over several files. ssh
// starts the companion, so the extension has no other source. Pure.

/** `reconnecting`: the connection is cut, and ssh waits without knowing. `lost`: given up; the companion has ended. */
export type ConnectionState = "connected" | "reconnecting" | "lost";

export interface ConnectionStatus {
  readonly workspace: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly updatedAt: number;
  readonly state: ConnectionState;
  /** Round trip to the gateway, in ms; null: not measured yet. */
  readonly roundTripMs: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** If a file is older than this, its companion hangs or was killed. */
export const STALE_AFTER_MS = 15_000;
/** Between two writes while no bytes pass. */
export const HEARTBEAT_MS = 5_000;
/** Between two writes while bytes pass. */
export const BUSY_MS = 1_000;

/** One file per companion; undefined: the workspace's name cannot be part of a file name. */
export function statusFileName(workspace: string, pid: number): string | undefined {
  return /^[a-z0-9._-]{1,100}$/.test(workspace) ? `${workspace}.${pid}.json` : undefined;
}

export function parseStatus(text: string): ConnectionStatus | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Incomplete, or not ours.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const record: Record<string, unknown> = { ...value };
  const { workspace, pid, since, updatedAt, state, roundTripMs, bytesIn, bytesOut } = record;
  if (state !== "connected" && state !== "reconnecting" && state !== "lost") return undefined;
  if (typeof workspace !== "string" || (roundTripMs !== null && typeof roundTripMs !== "number"))
    return undefined;
  const [pidNumber, sinceNumber, updatedNumber, inNumber, outNumber] = [
    pid,
    since,
    updatedAt,
    bytesIn,
    bytesOut,
  ].map((number) =>
    typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : undefined,
  );
  if (pidNumber === undefined || sinceNumber === undefined || updatedNumber === undefined) return undefined;
  if (inNumber === undefined || outNumber === undefined) return undefined;
  return {
    workspace,
    pid: pidNumber,
    since: sinceNumber,
    updatedAt: updatedNumber,
    state,
    roundTripMs,
    bytesIn: inNumber,
    bytesOut: outNumber,
  };
}

export interface Traffic {
  /** The shortest one; undefined: none was measured, or there is no connection. */
  readonly roundTripMs: number | undefined;
  readonly connections: number;
  /** Those of the connections that are reconnecting. */
  readonly reconnecting: number;
  /** Connections that were given up within the last `STALE_AFTER_MS`. */
  readonly lost: number;
  readonly bytes: number;
}

/** The sum over the companions of one workspace. */
export function traffic(statuses: readonly ConnectionStatus[], now: number): Traffic {
  const recent = statuses.filter(({ updatedAt }) => now - updatedAt < STALE_AFTER_MS);
  const live = recent.filter(({ state }) => state !== "lost");
  const measured = live.flatMap(({ roundTripMs }) => (roundTripMs === null ? [] : [roundTripMs]));
  return {
    roundTripMs: measured.length === 0 ? undefined : Math.min(...measured),
    connections: live.length,
    reconnecting: live.filter(({ state }) => state === "reconnecting").length,
    lost: recent.length - live.length,
    bytes: live.reduce((sum, { bytesIn, bytesOut }) => sum + bytesIn + bytesOut, 0),
  };
}

/** Such as `0 B/s` or `1.2 MB/s`: at most three digits and a unit. */
export function formatRate(bytesPerSecond: number): string {
  const units = ["B/s", "kB/s", "MB/s", "GB/s"];
  let value = Math.max(0, bytesPerSecond);
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  const digits = unit === 0 || value >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}
