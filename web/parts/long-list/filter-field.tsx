// The field above a list that filters it while somebody types. Its text is in the page's address, so that a link shows the
// same.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { here, setQuery } from "../../router.ts";
import { t } from "../../words.ts";
import { TextField } from "../form.tsx";
import { announce } from "../live-region.tsx";

/** Browsers refuse an address that changes with every keystroke. */
const ADDRESS_MS = 300;

/**
 * A text that is in the address as the parameter `name`.
 * @example const [filter, setFilter] = useQueryText("filter");
 */
export function useQueryText(name: string): readonly [string, (text: string) => void] {
  const inAddress = here.value.query.get(name) ?? "";
  const [text, setText] = useState(inAddress);
  const written = useRef(inAddress);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    // Somebody went back, or followed a link to this page.
    if (inAddress === written.current) return;
    clearTimeout(timer.current);
    written.current = inAddress;
    setText(inAddress);
  }, [inAddress]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const set = (next: string): void => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      written.current = next;
      setQuery({ [name]: next });
    }, ADDRESS_MS);
  };
  return [text, set];
}

export interface FilterFieldProps {
  readonly label: string;
  readonly text: string;
  readonly onText: (text: string) => void;
  /** How many rows the filter leaves, and how many there are. */
  readonly shown: number;
  readonly total: number;
  readonly placeholder?: string;
  /** Other filters. */
  readonly children?: ComponentChildren;
}

export function FilterField({ label, text, onText, shown, total, placeholder, children }: FilterFieldProps) {
  const count = t("{0} of {1}", shown, total);
  useEffect(() => {
    if (text !== "") announce(count);
  }, [text, count]);
  return (
    <div class="filters">
      <TextField
        label={label}
        type="search"
        value={text}
        onInput={onText}
        {...(placeholder === undefined ? {} : { placeholder })}
      />
      {children}
      <p class="filter-count muted">{count}</p>
    </div>
  );
}
