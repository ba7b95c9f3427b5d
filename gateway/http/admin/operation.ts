// What the gateway's administration shows of the gateway itself.

import type { SshAddress } from "../../../protocol/values/host-name.ts";
import type { GatewayOptions } from "../../program/options.ts";

export interface Operation {
  readonly options: GatewayOptions;
  readonly startedAt: Date;
  readonly ssh: () => SshAddress | null;
  /** Milliseconds since 1970; undefined: there is no certificate. */
  readonly certificateExpiresAt: () => number | undefined;
  /** Streams to hosts, of this process. */
  readonly streams: () => number;
  /** Workspaces that are online. */
  readonly online: () => number;
}
