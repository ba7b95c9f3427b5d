// One entry of the audit log: what happened, and the particulars that it has.

import type { AuditEntry } from "../../../protocol/api.ts";
import { Badge } from "../badge.tsx";
import { detailLines } from "./particulars.ts";
import { eventWords, isBad } from "./words.ts";

/** What happened, with the name that filters and exports use. */
export function EntryEvent({ entry }: { readonly entry: AuditEntry }) {
  const words = eventWords(entry.event);
  return <span title={entry.event}>{isBad(entry) ? <Badge tone="warning">{words}</Badge> : words}</span>;
}

/** The particulars, in one line each. */
export function EntryDetails({ entry }: { readonly entry: AuditEntry }) {
  const lines = detailLines(entry);
  return lines.length === 0 ? (
    <span class="muted">–</span>
  ) : (
    <ul class="plain details">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
