// The module of each page. Pages are loaded when they are opened; those of one folder that are used together share a chunk.

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

export const LOAD: Readonly<Record<PageName, () => Promise<PageComponent>>> = {
  workspaces: () => import("./pages/workspaces/workspaces.tsx").then((m) => m.WorkspacesPage),
  workspace: () => import("./pages/workspaces/workspace.tsx").then((m) => m.WorkspacePage),
  keys: () => import("./pages/own/keys.tsx").then((m) => m.KeysPage),
  tokens: () => import("./pages/own/tokens.tsx").then((m) => m.TokensPage),
  devices: () => import("./pages/own/devices.tsx").then((m) => m.DevicesPage),
  shares: () => import("./pages/own/shares.tsx").then((m) => m.SharesPage),
  activity: () => import("./pages/own/activity.tsx").then((m) => m.ActivityPage),
  account: () => import("./pages/account/account.tsx").then((m) => m.AccountPage),
  people: () => import("./pages/admin/all.ts").then((m) => m.PeoplePage),
  allWorkspaces: () => import("./pages/admin/all.ts").then((m) => m.AllWorkspacesPage),
  invitations: () => import("./pages/admin/all.ts").then((m) => m.InvitationsPage),
  audit: () => import("./pages/admin/all.ts").then((m) => m.AuditPage),
  providers: () => import("./pages/admin/all.ts").then((m) => m.ProvidersPage),
  health: () => import("./pages/admin/all.ts").then((m) => m.HealthPage),
  settings: () => import("./pages/admin/all.ts").then((m) => m.SettingsPage),
  signIn: () => import("./pages/sign-in/sign-in.tsx").then((m) => m.SignInPage),
  welcome: () => import("./pages/sign-in/welcome.tsx").then((m) => m.WelcomePage),
  chooseName: () => import("./pages/sign-in/choose-name.tsx").then((m) => m.ChooseNamePage),
  authorize: () => import("./pages/consent/authorize.tsx").then((m) => m.AuthorizePage),
  device: () => import("./pages/consent/device.tsx").then((m) => m.DevicePage),
};
