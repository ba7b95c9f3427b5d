// The fields that filter the audit log. What is typed gets into the address after a moment, as a step that the back button
// takes back.

import { useEffect, useRef, useState } from "preact/hooks";
import { eventKinds } from "../../../parts/audit/words.ts";
import { SelectField, TextField } from "../../../parts/form.tsx";
import { setQuery } from "../../../router.ts";
import { t } from "../../../words.ts";
import {
  type AuditFilters,
  FILTERS,
  type FilterName,
  fromLocal,
  isEmpty,
  isTime,
  isValid,
  toLocal,
} from "./filters.ts";

const WAIT_MS = 500;
const MORE = ["workspace", "address", "code", "from", "to"] as const satisfies readonly FilterName[];

export function AuditFilterForm({ filters }: { readonly filters: AuditFilters }) {
  const [typed, setTyped] = useState(filters);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const inAddress = JSON.stringify(filters);
  const written = useRef(inAddress);
  useEffect(() => {
    // Somebody went back, or followed a link.
    if (written.current === inAddress) return;
    written.current = inAddress;
    clearTimeout(timer.current);
    setTyped(filters);
  }, [inAddress]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const set = (name: FilterName, value: string, wait: number): void => {
    const next: AuditFilters = { ...typed, [name]: value };
    setTyped(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const values = Object.fromEntries(FILTERS.map((one) => [one, next[one]?.trim()]));
      written.current = JSON.stringify(Object.fromEntries(Object.entries(values).filter(([, one]) => one)));
      setQuery(values, "push");
    }, wait);
  };
  const field = (name: FilterName, label: string, wrong: string) => {
    const value = typed[name] ?? "";
    const trimmed = value.trim();
    return (
      <TextField
        label={label}
        type={isTime(name) ? "datetime-local" : "search"}
        code={!isTime(name)}
        value={isTime(name) ? toLocal(value) : value}
        onInput={(text) => set(name, isTime(name) ? fromLocal(text) : text, WAIT_MS)}
        error={trimmed !== "" && !isValid(name, trimmed) ? wrong : undefined}
      />
    );
  };
  const event = typed.event ?? "";
  const kinds = eventKinds();
  // An event that a link names, such as `share.added`.
  const other =
    event === "" || kinds.some(({ value }) => value === event) ? [] : [{ value: event, text: event }];
  return (
    <search class="filters" aria-label={t("Filter")}>
      <SelectField
        label={t("Kind")}
        value={event}
        options={[{ value: "", text: t("All") }, ...kinds, ...other]}
        onChange={(value) => set("event", value, 0)}
      />
      {field("account", t("Account"), t("Names have a-z, 0-9 and hyphens."))}
      {!isEmpty(filters) && (
        <button
          type="button"
          onClick={() => setQuery(Object.fromEntries(FILTERS.map((name) => [name, undefined])), "push")}
        >
          {t("Clear")}
        </button>
      )}
      <details open={MORE.some((name) => filters[name] !== undefined)}>
        <summary>{t("More filters")}</summary>
        <div class="filters">
          {field("workspace", t("Workspace (id)"), t("Ids have a-z, 0-9, _ and hyphens."))}
          {field("address", t("Address"), t("This is not an IP address."))}
          {field("code", t("Code"), t("Codes have a-z and _."))}
          {field("from", t("From"), t("This is not a time."))}
          {field("to", t("Until"), t("This is not a time."))}
        </div>
      </details>
    </search>
  );
}
