// All pages but the first one, and the dialog for signing in again. They share a chunk: split by page, the dashboard is an eighth
// larger, since what compresses well is then in different files.

export { AccountPage } from "./account/account.tsx";
export { AuditPage } from "./admin/audit.tsx";
export { HealthPage } from "./admin/health.tsx";
export { InvitationsPage } from "./admin/invitations.tsx";
export { PeoplePage } from "./admin/people.tsx";
export { ProvidersPage } from "./admin/providers.tsx";
export { SettingsPage } from "./admin/settings.tsx";
export { AllWorkspacesPage } from "./admin/workspaces.tsx";
export { AuthorizePage } from "./consent/authorize.tsx";
export { DevicePage } from "./consent/device.tsx";
export { ActivityPage } from "./own/activity.tsx";
export { DevicesPage } from "./own/devices.tsx";
export { KeysPage } from "./own/keys.tsx";
export { SharesPage } from "./own/shares.tsx";
export { TokensPage } from "./own/tokens.tsx";
export { AgainDialog } from "./sign-in/again.tsx";
export { ChooseNamePage } from "./sign-in/choose-name.tsx";
export { SignInPage } from "./sign-in/sign-in.tsx";
export { WelcomePage } from "./sign-in/welcome.tsx";
export { WorkspacePage } from "./workspaces/workspace.tsx";
