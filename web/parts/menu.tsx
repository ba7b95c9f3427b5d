// A button that opens a short list of actions or links: the browser's popover, closed by Escape and by a click elsewhere.

import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { withBase } from "../base.ts";

interface MenuItem {
  readonly text: string;
  /** Either a link to a page (without the base)… */
  readonly to?: string;
  /** …or an action. */
  readonly onSelect?: () => void;
  readonly danger?: boolean;
}

export interface MenuProps {
  /** On the button. */
  readonly label: ComponentChildren;
  /** For screen readers, where the label alone says too little. */
  readonly name?: string;
  readonly items: readonly MenuItem[];
}

export function Menu({ label, name, items }: MenuProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  // Lists have a menu in each row: what is in it is made when it opens.
  const [opened, setOpened] = useState(false);
  const close = (): void => list.current?.hidePopover();
  const place = (open: boolean): void => {
    const box = button.current?.getBoundingClientRect();
    if (!open || box === undefined || list.current === null) return;
    const { style, offsetWidth, offsetHeight } = list.current;
    const below = box.bottom + offsetHeight < innerHeight || box.top < offsetHeight;
    style.top = `${below ? box.bottom + 4 : box.top - offsetHeight - 4}px`;
    style.left = `${Math.max(8, Math.min(box.right - offsetWidth, innerWidth - offsetWidth - 8))}px`;
    list.current.querySelector<HTMLElement>("a, button")?.focus();
  };
  return (
    <div class="menu">
      <button ref={button} type="button" class="plain" popovertarget={id} aria-label={name}>
        {label} <span aria-hidden="true">▾</span>
      </button>
      <div
        ref={list}
        id={id}
        popover="auto"
        class="menu-list"
        onBeforeToggle={({ newState }) => newState === "open" && setOpened(true)}
        onToggle={({ newState }) => place(newState === "open")}
      >
        {(opened ? items : []).map(({ text, to, onSelect, danger }) =>
          to === undefined ? (
            <button
              key={text}
              type="button"
              class={danger === true ? "plain danger-text" : "plain"}
              onClick={() => {
                close();
                onSelect?.();
              }}
            >
              {text}
            </button>
          ) : (
            <a key={text} href={withBase(to)} onClick={close}>
              {text}
            </a>
          ),
        )}
      </div>
    </div>
  );
}
