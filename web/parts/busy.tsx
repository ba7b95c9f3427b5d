// While something is loaded: nothing for a moment, then a word.

import type { ComponentChildren } from "preact";
import type { Loaded } from "../load.ts";
import { t } from "../words.ts";
import { ErrorNotice } from "./notice.tsx";

export function Busy({ text }: { readonly text?: string }) {
  return (
    <p class="busy" role="status">
      <span class="spinner" aria-hidden="true" />
      {text ?? t("Loading…")}
    </p>
  );
}

/**
 * What was loaded, or that it loads, or why it could not be loaded.
 * @example <Loading of={keys}>{(list) => <KeyTable keys={list} />}</Loading>
 */
export function Loading<T>({
  of,
  children,
}: {
  readonly of: Loaded<T>;
  readonly children: (data: T) => ComponentChildren;
}) {
  return (
    <>
      <ErrorNotice error={of.error} retry={of.reload} />
      {of.data === undefined ? of.error === undefined && <Busy /> : children(of.data)}
    </>
  );
}
