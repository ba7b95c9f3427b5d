// Sentences that stand out: a note, a warning, an error with its code.

import type { ComponentChildren } from "preact";
import { ApiError } from "../api.ts";
import { t } from "../words.ts";

export interface NoticeProps {
  readonly tone?: "info" | "good" | "warning" | "danger";
  readonly title?: string;
  readonly children?: ComponentChildren;
}

export function Notice({ tone = "info", title, children }: NoticeProps) {
  return (
    <div class={`notice ${tone}`} role={tone === "danger" ? "alert" : undefined}>
      {title !== undefined && <strong>{title}</strong>}
      {children !== undefined && <div>{children}</div>}
    </div>
  );
}

/** An error as a sentence with its code. Nothing where there is no error. `retry` adds a button. */
export function ErrorNotice({
  error,
  retry,
}: {
  readonly error: Error | undefined;
  readonly retry?: () => void;
}) {
  if (error === undefined) return null;
  return (
    <Notice tone="danger">
      <p>{error.message}</p>
      {error instanceof ApiError && error.code !== "cancelled" && (
        <p class="muted">{t("Code: {0}", error.code)}</p>
      )}
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          {t("Try again")}
        </button>
      )}
    </Notice>
  );
}
