// The heading of a page, which gets the focus when the page opens, and the page's actions beside it.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { here } from "../router.ts";
import { Link } from "./link.tsx";

/** The visit whose heading had the focus; 0 is the page that the browser loaded, where nobody takes the focus away. */
let focused = 0;

export interface PageTitleProps {
  readonly title: string;
  /** A sentence or two below the title. */
  readonly intro?: ComponentChildren;
  /** Where one came from: `{ to: "/", text: t("Workspaces") }`. */
  readonly back?: { readonly to: string; readonly text: string };
  /** Buttons and links. */
  readonly children?: ComponentChildren;
}

export function PageTitle({ title, intro, back, children }: PageTitleProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { visit } = here.value;
  useEffect(() => {
    document.title = `${title} · Sallyport`;
  }, [title]);
  useEffect(() => {
    if (focused !== visit && visit > 1) heading.current?.focus();
    focused = visit;
  }, [visit]);
  return (
    <div class="page-title">
      {back !== undefined && (
        <Link class="back" to={back.to}>
          <span aria-hidden="true">‹</span> {back.text}
        </Link>
      )}
      <div class="page-title-row">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children !== undefined && <div class="actions">{children}</div>}
      </div>
      {intro !== undefined && <div class="intro">{intro}</div>}
    </div>
  );
}
