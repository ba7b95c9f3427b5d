// The module of each page. They are loaded when they are opened.

import type { PageName } from "../protocol/sign-in/pages.ts";
import type { PageComponent } from "./router.ts";

/** Pages without the navigation: a card in the middle. Nobody has to be signed in for the first three. */
export const CARDS: ReadonlySet<PageName> = new Set([
  "signIn",
  "welcome",
  "chooseName",
  "authorize",
  "device",
]);
export const OPEN: ReadonlySet<PageName> = new Set(["signIn", "welcome", "chooseName"]);

export const others = () => import("./pages/all.ts");

export const LOAD: Readonly<Record<PageName, () => Promise<PageComponent>>> = {
  workspaces: () => import("./pages/workspaces/workspaces.tsx").then((m) => m.WorkspacesPage),
  workspace: () => others().then((m) => m.WorkspacePage),
  keys: () => others().then((m) => m.KeysPage),
  tokens: () => others().then((m) => m.TokensPage),
  devices: () => others().then((m) => m.DevicesPage),
  shares: () => others().then((m) => m.SharesPage),
  activity: () => others().then((m) => m.ActivityPage),
  account: () => others().then((m) => m.AccountPage),
  people: () => others().then((m) => m.PeoplePage),
  allWorkspaces: () => others().then((m) => m.AllWorkspacesPage),
  invitations: () => others().then((m) => m.InvitationsPage),
  audit: () => others().then((m) => m.AuditPage),
  providers: () => others().then((m) => m.ProvidersPage),
  health: () => others().then((m) => m.HealthPage),
  settings: () => others().then((m) => m.SettingsPage),
  signIn: () => others().then((m) => m.SignInPage),
  welcome: () => others().then((m) => m.WelcomePage),
  chooseName: () => others().then((m) => m.ChooseNamePage),
  authorize: () => others().then((m) => m.AuthorizePage),
  device: () => others().then((m) => m.DevicePage),
};
