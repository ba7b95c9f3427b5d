// The dashboard as a whole: shows the page of the address, asks people to sign in where that is needed, and has the dialog
// for signing in again.

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { PAGES, type PageName } from "../protocol/sign-in/pages.ts";
import { followWorkspaces, unfollowWorkspaces } from "./events.ts";
import { Busy } from "./parts/busy.tsx";
import { Card, Frame } from "./parts/frame.tsx";
import { Link } from "./parts/link.tsx";
import { ErrorNotice } from "./parts/notice.tsx";
import { PageTitle } from "./parts/page-title.tsx";
import { currentPath, go, here, type PageComponent } from "./router.ts";
import { CARDS, LOAD, OPEN, others } from "./routes.ts";
import { loadSession, session } from "./session.ts";
import { openQuestion } from "./sign-in/again.ts";
import { t } from "./words.ts";

/** The pages that are loaded. */
const loaded = signal<ReadonlyMap<PageName, PageComponent>>(new Map());
/** Why the page, or the session, could not be loaded. */
const failed = signal<Error | undefined>(undefined);

/** Goes to the sign-in page, and back here afterwards. */
export function askToSignIn(): void {
  const { page } = here.value;
  if (page !== undefined && OPEN.has(page)) return;
  go(`${PAGES.signIn}?${new URLSearchParams({ return: currentPath() })}`, "replace");
}

export function App() {
  const { page, param, query } = here.value;
  const signedIn = session.value;
  useEffect(() => {
    failed.value = undefined;
    if (page !== undefined && !loaded.value.has(page)) void loadPage(page);
  }, [page]);
  useEffect(() => {
    if (signedIn === undefined) void start();
    else if (signedIn === null) unfollowWorkspaces();
    else followWorkspaces();
  }, [signedIn]);
  useEffect(() => {
    if (signedIn === null && page !== undefined && !OPEN.has(page)) askToSignIn();
  }, [signedIn, page]);

  const Surround = page !== undefined && !CARDS.has(page) && signedIn ? Frame : Card;
  const Page = page === undefined ? undefined : loaded.value.get(page);
  const waits = page !== undefined && (Page === undefined || (!signedIn && !OPEN.has(page)));
  return (
    <>
      <Surround>
        {failed.value !== undefined ? (
          <ErrorNotice error={failed.value} retry={() => location.reload()} />
        ) : waits ? (
          <Busy />
        ) : Page === undefined ? (
          <NotFound />
        ) : (
          <Page key={`${page}/${param}`} param={param} query={query} />
        )}
      </Surround>
      <Again />
    </>
  );
}

/** The dialog for signing in again, once it is loaded. */
const dialog = signal<ComponentType<{ settle: (proved: boolean) => void }> | undefined>(undefined);

function Again() {
  const settle = openQuestion.value;
  useEffect(() => {
    if (settle === undefined || dialog.value !== undefined) return;
    others().then(
      (module) => {
        dialog.value = module.AgainDialog;
      },
      () => settle(false), // As if the person had closed it; what they did says that nothing was changed.
    );
  }, [settle]);
  const Dialog = dialog.value;
  return settle === undefined || Dialog === undefined ? null : <Dialog settle={settle} />;
}

async function start(): Promise<void> {
  try {
    await loadSession();
  } catch (error) {
    failed.value = error instanceof Error ? error : new Error(String(error));
  }
}

async function loadPage(page: PageName): Promise<void> {
  try {
    const component = await LOAD[page]();
    loaded.value = new Map(loaded.value).set(page, component);
  } catch {
    // The files of this page are gone when the gateway was upgraded since.
    failed.value = new Error(t("This page could not be loaded. The gateway may be newer: load it again."));
  }
}

function NotFound() {
  return (
    <>
      <PageTitle title={t("Page not found")} />
      <p>{t("There is no page at this address.")}</p>
      <p>
        <Link to={PAGES.workspaces}>{t("To the workspaces")}</Link>
      </p>
    </>
  );
}
