// The pages of the administration, which share a chunk: people who open one of them open the others too.

export { AuditPage } from "./audit.tsx";
export { HealthPage } from "./health.tsx";
export { InvitationsPage } from "./invitations.tsx";
export { PeoplePage } from "./people.tsx";
export { ProvidersPage } from "./providers.tsx";
export { SettingsPage } from "./settings.tsx";
export { AllWorkspacesPage } from "./workspaces.tsx";
