// Texts to copy: a command line, an address, a secret that is shown once.

import { useId, useRef, useState } from "preact/hooks";
import { t } from "../words.ts";
import { announce } from "./live-region.tsx";
import { Notice } from "./notice.tsx";

const COPIED_MS = 2_000;

export interface CopyFieldProps {
  /** What it is. Shown above, and read with the button. */
  readonly label: string;
  readonly value: string;
  /** The label is for screen readers only. */
  readonly hideLabel?: boolean;
}

/** One text in one line that scrolls, with a button that copies it. */
export function CopyField({ label, value, hideLabel = false }: CopyFieldProps) {
  const id = useId();
  return (
    <div class="copy-field">
      <span id={id} class={hideLabel ? "visually-hidden" : "label"}>
        {label}
      </span>
      <div class="copy-box">
        <input
          class="code"
          readOnly
          value={value}
          aria-labelledby={id}
          onFocus={({ currentTarget }) => currentTarget.select()}
        />
        <CopyButton value={value} label={label} />
      </div>
    </div>
  );
}

/** `label` says what is copied. */
function CopyButton({ value, label }: { readonly value: string; readonly label: string }) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copy = async (): Promise<void> => {
    clearTimeout(timer.current);
    try {
      await navigator.clipboard.writeText(value);
      setState("copied");
      announce(t("Copied."));
      timer.current = setTimeout(() => setState("idle"), COPIED_MS);
    } catch {
      // Without https, or forbidden: the text can still be selected.
      setState("failed");
      announce(t("This browser does not let the page copy. Select the text instead."));
    }
  };
  return (
    <button type="button" class="copy" aria-label={t("Copy: {0}", label)} onClick={() => void copy()}>
      {state === "copied" ? t("Copied") : state === "failed" ? t("Select it") : t("Copy")}
    </button>
  );
}

export interface SecretOnceProps {
  readonly label: string;
  readonly secret: string;
  /** Called when the person says that they have stored it. The secret must then go out of the page. */
  readonly onStored: () => void;
}

/** A secret that is never shown again. */
export function SecretOnce({ label, secret, onStored }: SecretOnceProps) {
  return (
    <div class="secret">
      <Notice tone="warning" title={t("This is shown only once.")}>
        {t("Copy it to where it will be used. Nobody can read it here again.")}
      </Notice>
      <CopyField label={label} value={secret} />
      <div class="actions end">
        <button type="button" class="primary" onClick={onStored}>
          {t("I have stored it")}
        </button>
      </div>
    </div>
  );
}
