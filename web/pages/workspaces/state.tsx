// What state a workspace is in, in a word.

import type { Workspace } from "../../../protocol/api.ts";
import { Badge } from "../../parts/badge.tsx";
import { t } from "../../words.ts";

export function State({ of: { frozen, online } }: { readonly of: Pick<Workspace, "frozen" | "online"> }) {
  if (frozen === true) return <Badge tone="warning">{t("Frozen")}</Badge>;
  return online ? <Badge tone="good">{t("Online")}</Badge> : <Badge tone="neutral">{t("Offline")}</Badge>;
}
