// What surrounds the pages: the header, the navigation beside or above, and the live region. Pages for people who are not
// signed in, and those that ask for consent, have a card in the middle instead.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { PAGES, type PageName } from "../../protocol/sign-in/pages.ts";
import { stream } from "../events.ts";
import { here } from "../router.ts";
import { isAdmin, session } from "../session.ts";
import { signOut } from "../sign-in/sign-out.ts";
import { t } from "../words.ts";
import { Badge } from "./badge.tsx";
import { Link } from "./link.tsx";
import { LiveRegion } from "./live-region.tsx";
import { Menu } from "./menu.tsx";

type Entry = readonly [page: PageName, title: string];
const own = (): Entry[] => [
  ["workspaces", t("Workspaces")],
  ["shares", t("Shared workspaces")],
  ["keys", t("SSH keys")],
  ["tokens", t("Access tokens")],
  ["devices", t("Signed-in devices")],
  ["activity", t("Activity")],
];
const administration = (): Entry[] => [
  ["people", t("People")],
  ["allWorkspaces", t("All workspaces")],
  ["invitations", t("Invitations")],
  ["audit", t("Audit log")],
  ["providers", t("Identity providers")],
  ["health", t("Health")],
  ["settings", t("Settings")],
];

/** The frame of pages for people who are signed in. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const { visit } = here.value;
  useEffect(() => setOpen(false), [visit]);
  const name = session.value?.account.name ?? "";
  return (
    <>
      <a class="skip" href="#main">
        {t("Skip to the content")}
      </a>
      <header class="top">
        <button
          type="button"
          class="plain nav-toggle"
          aria-expanded={open}
          aria-controls="navigation"
          onClick={() => setOpen(!open)}
        >
          <span aria-hidden="true">☰</span>
          <span class="visually-hidden">{t("Menu")}</span>
        </button>
        <Brand />
        <span class="spacer" />
        {stream.value === "lost" && <Badge tone="warning">{t("Reconnecting")}</Badge>}
        <Menu
          label={name}
          name={t("Account {0}", name)}
          items={[
            { text: t("Account"), to: PAGES.account },
            { text: t("Sign out"), onSelect: () => void signOut() },
          ]}
        />
      </header>
      <div class="columns">
        <nav id="navigation" class={open ? "open" : undefined} aria-label={t("Dashboard")}>
          <Entries of={own()} />
          {isAdmin() && (
            <>
              <h2 id="administration">{t("Administration")}</h2>
              <Entries of={administration()} labelledBy="administration" />
            </>
          )}
        </nav>
        <main id="main">{children}</main>
      </div>
      <LiveRegion />
    </>
  );
}

function Entries({ of, labelledBy }: { readonly of: readonly Entry[]; readonly labelledBy?: string }) {
  const { page } = here.value;
  return (
    <ul aria-labelledby={labelledBy}>
      {of.map(([entry, title]) => (
        <li key={entry}>
          <Link
            to={PAGES[entry]}
            current={entry === page || (entry === "workspaces" && page === "workspace")}
          >
            {title}
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** The frame of sign-in, welcome, consent and the like. */
export function Card({ children }: { readonly children: ComponentChildren }) {
  return (
    <>
      <header class="top bare">
        <Brand />
      </header>
      <main id="main" class="card">
        {children}
      </main>
      <LiveRegion />
    </>
  );
}

function Brand() {
  return (
    <Link to="/" class="brand">
      <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
        <path d="M2.75 20.75V4.25h3.5v2.5h3.75v-2.5h4v2.5h3.75v-2.5h3.5v16.5z" />
        <path d="M8.25 20.75v-5.25a3.75 3.75 0 0 1 7.5 0v5.25" />
      </svg>
      Sallyport
    </Link>
  );
}
