// The filters of the audit log as they are in the address of the page. Anybody can write an address, so that each value is
// checked before the gateway is asked with it.

export const FILTERS = ["event", "account", "workspace", "address", "code", "from", "to"] as const;
export type FilterName = (typeof FILTERS)[number];
export type AuditFilters = Readonly<Partial<Record<FilterName, string>>>;

const PATTERNS: Readonly<Record<FilterName, RegExp>> = {
  event: /^[a-z0-9.-]{1,100}$/,
  account: /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/,
  workspace: /^[a-z0-9_-]{1,100}$/,
  address: /^[0-9a-fA-F.:]{2,45}$/,
  code: /^[a-z_]{1,100}$/,
  from: /^\d{4}-\d\d-\d\dT[\d:.]{5,12}Z$/,
  to: /^\d{4}-\d\d-\d\dT[\d:.]{5,12}Z$/,
};

export function filtersOf(query: URLSearchParams): AuditFilters {
  const found: Partial<Record<FilterName, string>> = {};
  for (const name of FILTERS) {
    const value = query.get(name)?.trim() ?? "";
    if (value !== "") found[name] = value;
  }
  return found;
}

export function isValid(name: FilterName, value: string): boolean {
  return PATTERNS[name].test(value) && (!isTime(name) || !Number.isNaN(Date.parse(value)));
}

/** Those that the gateway can be asked with. */
export function validFilters(filters: AuditFilters): AuditFilters {
  return Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = filters[name];
      return value !== undefined && isValid(name, value) ? [[name, value]] : [];
    }),
  );
}

export const isEmpty = (filters: AuditFilters): boolean => Object.keys(filters).length === 0;
export const isTime = (name: FilterName): boolean => name === "from" || name === "to";

/** `2026-12-01T13:05` in the person's time zone, as inputs for a time have it; "" for what is no time. */
export function toLocal(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The opposite of `toLocal`. */
export function fromLocal(local: string): string {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}
