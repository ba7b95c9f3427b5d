// What each way to connect gets.

import type { Discovery, Workspace } from "../../../../protocol/api.ts";

export interface WayProps {
  readonly workspace: Workspace;
  readonly gateway: Discovery;
}
