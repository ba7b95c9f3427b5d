// What a connection leads to.

import type { Workspace } from "../../protocol/api.ts";
import type { SshPublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { Gateway } from "../accounts/gateways.ts";

export interface ConnectTarget {
  readonly gateway: Gateway;
  readonly workspace: Workspace;
  /** Said by the link that led here: no other host key is taken. */
  readonly hostKey?: SshPublicKey;
}
