// What a page shows while there is nothing to list: what it is for and how to begin.

import type { ComponentChildren } from "preact";

export interface EmptyStateProps {
  readonly title: string;
  readonly children?: ComponentChildren;
}

export function EmptyState({ title, children }: EmptyStateProps) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
    </section>
  );
}
