// The result of a diagnosis: one verdict per stage, in the order in which a connection passes through them.

/** In order. */
export const STAGES = [
  { id: "dns", title: "Gateway's name" },
  { id: "tcp", title: "HTTPS port" },
  { id: "tls", title: "Certificate" },
  { id: "discovery", title: "Gateway" },
  { id: "ssh-port", title: "SSH port" },
  { id: "ssh-banner", title: "SSH answer" },
  { id: "websocket", title: "WebSocket" },
  { id: "sign-in", title: "Sign-in" },
  { id: "workspace", title: "Workspace" },
  { id: "host-key", title: "Host key" },
  { id: "key", title: "Your key" },
  { id: "exec", title: "Command" },
  { id: "forward", title: "Forwarding" },
] as const;
export type StageId = (typeof STAGES)[number]["id"];

export type Verdict =
  | { readonly status: "ok"; readonly detail: string }
  | {
      /** `warn`: something is wrong, but this connection works without it. `fail`: the connection does not work. */
      readonly status: "warn" | "fail";
      readonly detail: string;
      /** A protocol error code, a system error code, or one of the diagnosis's own. Stable. */
      readonly code: string;
      readonly means: string;
      readonly todo: string;
    }
  | {
      readonly status: "skipped";
      readonly detail: string;
      /** The failed stage that this one needs; undefined: the stage does not apply here. */
      readonly blockedBy: StageId | undefined;
    };

export type StageReport = Verdict & {
  readonly id: StageId;
  readonly title: string;
  /** Milliseconds, whole. */
  readonly ms: number;
};

export type StageProgress =
  | StageReport
  | { readonly status: "running"; readonly id: StageId; readonly title: string };

export interface Report {
  readonly gateway: string;
  readonly workspace: string;
  readonly transport: "direct" | "tunnel" | undefined;
  /** A command ran in the workspace, and no stage failed. */
  readonly ok: boolean;
  /** The first stage that failed. */
  readonly failed: StageId | undefined;
  readonly stages: readonly StageReport[];
  /** ISO 8601. */
  readonly startedAt: string;
  readonly ms: number;
  readonly version: string;
  readonly platform: string;
}

export function titleOf(id: StageId): string {
  return STAGES.find((stage) => stage.id === id)?.title ?? id;
}
