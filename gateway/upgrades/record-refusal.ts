// A refused upgrade, in the metrics and in the audit log.

import type { ProtocolError } from "../../protocol/errors.ts";
import type { UpgradeContext } from "./context.ts";
import type { Upgrade } from "./upgrade.ts";

const MAX_PATH_LENGTH = 100;

export function recordRefusal(
  { path, address }: Upgrade,
  { code }: ProtocolError,
  { metrics, directory }: Pick<UpgradeContext, "metrics" | "directory">,
  account?: string,
): void {
  metrics.refused(code);
  // Such a host asks again every few seconds; the directory has written one line for all of its requests.
  if (code === "host_key_held") return;
  const detail = path?.slice(0, MAX_PATH_LENGTH);
  directory.audit({ event: "connection.refused", code, detail, address, account });
}
