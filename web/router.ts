// Which page is shown: a signal that follows the address bar. Links are ordinary `<a href>`; a click on one of ours changes
// the page without loading the document again.

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { PAGES, type PageName, pageOf } from "../protocol/sign-in/pages.ts";
import { withBase, withoutBase } from "./base.ts";

export interface Here {
  /** Without the base: `/workspaces/box`. */
  readonly path: string;
  /** undefined: there is no such page. */
  readonly page: PageName | undefined;
  /** What stands at `:ref` in the page's path. */
  readonly param: string | undefined;
  readonly query: URLSearchParams;
  /** The query as it stands in the address, without its `?`. */
  readonly search: string;
  /** Counts visits, so that a second click on the same link counts as one. */
  readonly visit: number;
}

/** What every page gets. */
export interface PageProps {
  /** What stands at `:ref` in the page's path. */
  readonly param: string | undefined;
  readonly query: URLSearchParams;
}
export type PageComponent = ComponentType<PageProps>;

export const here = signal<Here>({
  path: "/",
  page: undefined,
  param: undefined,
  query: new URLSearchParams(),
  search: "",
  visit: 0,
});

/** The code of a one-use link (`/welcome#CODE`). It is taken out of the address at once, so that nobody reads it there. */
export const linkCode = signal("");

/** Reads the address. `base`: the path prefix of the public URL. */
export function readAddress(pathname: string, search: string, visit: number, base?: string): Here {
  const path = withoutBase(pathname, base);
  const found = path === undefined ? undefined : pageOf(path);
  return {
    path: path ?? pathname,
    page: found?.page,
    param: found?.ref,
    query: new URLSearchParams(search),
    search: search.replace(/^\?/, ""),
    visit,
  };
}

/** Shows a different page. `path` is without the base, and may have a query. */
export function go(path: string, how: "push" | "replace" = "push"): void {
  history[how === "push" ? "pushState" : "replaceState"](null, "", withBase(path));
  follow();
}

/**
 * Changes the query of this page, such as a filter; undefined or "" takes a parameter out. With `push` the back button takes
 * the change back.
 */
export function setQuery(
  changes: Readonly<Record<string, string | undefined>>,
  how: "push" | "replace" = "replace",
): void {
  const query = new URLSearchParams(here.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  here.value = { ...here.value, query, search: text };
  history[how === "push" ? "pushState" : "replaceState"](null, "", withBase(currentPath()));
}

/** The path with its query, for coming back after signing in. */
export function currentPath(): string {
  const { path, search } = here.value;
  return search === "" ? path : `${path}?${search}`;
}

export function startRouter(): void {
  follow();
  addEventListener("popstate", follow);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || !isOurs(event, link, location)) return;
    const path = withoutBase(link.pathname);
    if (path === undefined || pageOf(path) === undefined) return;
    event.preventDefault();
    go(`${path}${link.search}`);
  });
}

interface Click {
  readonly button: number;
  readonly metaKey: boolean;
  readonly ctrlKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
  readonly defaultPrevented: boolean;
}
interface Link {
  readonly origin: string;
  readonly target: string;
  readonly hash: string;
  hasAttribute(name: string): boolean;
}

/** Whether a click is one that we handle: everything else (new tab, download, different site) is the browser's. */
export function isOurs(click: Click, link: Link, { origin }: { readonly origin: string }): boolean {
  return (
    click.button === 0 &&
    !click.defaultPrevented &&
    !(click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) &&
    link.origin === origin &&
    (link.target === "" || link.target === "_self") &&
    link.hash === "" &&
    !link.hasAttribute("download")
  );
}

function follow(): void {
  if (location.hash.length > 1 && withoutBase(location.pathname) === PAGES.welcome) {
    linkCode.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
  }
  here.value = readAddress(location.pathname, location.search, here.value.visit + 1);
}
