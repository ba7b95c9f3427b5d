// A link to a page of the dashboard, with the base of the gateway's URL.

import type { ComponentChildren } from "preact";
import { withBase } from "../base.ts";

export interface LinkProps {
  /** Without the base: `/keys`. */
  readonly to: string;
  readonly class?: string;
  readonly current?: boolean;
  readonly children: ComponentChildren;
}

export function Link({ to, current = false, children, ...rest }: LinkProps) {
  return (
    <a href={withBase(to)} aria-current={current ? "page" : undefined} {...rest}>
      {children}
    </a>
  );
}
