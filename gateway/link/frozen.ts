// What clients and hosts of a frozen workspace are told.

import { ProtocolError } from "../../protocol/errors.ts";
import type { WorkspaceRecord } from "../directory.ts";

/** @throws ProtocolError frozen */
export function requireUnfrozen({ name, frozen }: Pick<WorkspaceRecord, "name" | "frozen">): void {
  if (!frozen) return;
  throw new ProtocolError(
    "frozen",
    `The workspace ${name} is frozen: nobody reaches it until its owner or an administrator unfreezes it.`,
  );
}
