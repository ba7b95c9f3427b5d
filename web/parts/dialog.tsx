// A modal dialog: the browser's own, which keeps the focus inside and gives it back.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useAction } from "../load.ts";
import { t } from "../words.ts";
import { ErrorNotice } from "./notice.tsx";

export interface DialogProps {
  readonly title: string;
  /** Called once the dialog is closed, by Escape too. Show the dialog only while it is open. */
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** @example {open && <Dialog title={…} onClose={() => setOpen(false)}>…</Dialog>} */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    return () => {
      element?.close();
      // An element that is taken out of the page no longer gives the focus back by itself.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="plain icon" aria-label={t("Close")} onClick={onClose}>
          <span aria-hidden="true">×</span>
        </button>
      </div>
      {children}
    </dialog>
  );
}

export interface ConfirmByNameProps {
  readonly title: string;
  /** What has to be typed. */
  readonly name: string;
  /** What happens, in full sentences. */
  readonly children: ComponentChildren;
  /** The button's word, such as "Delete". */
  readonly action: string;
  /** The dialog closes when it settles, and shows the error if it fails. */
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** For what cannot be taken back: the person types the name of what goes. */
export function ConfirmByName({ title, name, children, action, onConfirm, onClose }: ConfirmByNameProps) {
  const [typed, setTyped] = useState("");
  const id = useId();
  const confirm = useAction(async () => {
    await onConfirm();
    onClose();
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed === name) void confirm.run();
        }}
      >
        {children}
        <div class="field">
          <label for={id}>{t("Type {0} to confirm", name)}</label>
          <input
            id={id}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={typed}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </div>
        <ErrorNotice error={confirm.error} />
        <div class="actions end">
          <button type="button" onClick={onClose}>
            {t("Cancel")}
          </button>
          <button type="submit" class="danger" disabled={typed !== name || confirm.busy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export interface ConfirmProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly action: string;
  /** Whether the action takes something away. */
  readonly danger?: boolean;
  /** The dialog closes when it settles, and shows the error if it fails. */
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** One question with one action. */
export function Confirm({ title, children, action, danger = false, onConfirm, onClose }: ConfirmProps) {
  const confirm = useAction(async () => {
    await onConfirm();
    onClose();
  });
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <ErrorNotice error={confirm.error} />
      <div class="actions end">
        <button type="button" onClick={onClose}>
          {t("Cancel")}
        </button>
        <button
          type="button"
          class={danger ? "danger" : "primary"}
          disabled={confirm.busy}
          onClick={() => void confirm.run()}
        >
          {action}
        </button>
      </div>
    </Dialog>
  );
}
