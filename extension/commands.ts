// Every command, in one place: its name, and the module that does the work, loaded when it is first run. docs/architecture.md
// ("Where to begin, to add") says what a new one needs besides.

import { commands, type Disposable, env, l10n } from "vscode";
import type { TreeNode } from "../agent/client/workspaces/workspace-tree.ts";
import type { Services } from "./services.ts";
import type { WorkspacesView } from "./workspaces/workspaces-view.ts";

/** `what` introduces a failure: "Signing in failed: …". `node` is set when the command comes from the tree. */
interface Entry {
  readonly what: () => string;
  run(services: Services, node: TreeNode | undefined): Promise<unknown>;
}

const connecting = () => l10n.t("Connecting");

/**
 * Connects in this window: to the workspace that was clicked in the tree, or to one that the person picks from a list.
 */
const CONNECT: Entry = {
  what: connecting,
  run: async (services, node) =>
    (await import("./connect/connect-commands.ts")).connect(services, node, "here"),
};

const ENTRIES: Readonly<Record<string, Entry>> = {
  // Two names for one command: the palette calls it "Connect to Workspace…", a node's menu "Connect in This Window".
  "sallyport.connect": CONNECT,
  "sallyport.connectHere": CONNECT,
  "sallyport.connectNewWindow": {
    what: connecting,
    run: async (services, node) =>
      (await import("./connect/connect-commands.ts")).connect(services, node, "new-window"),
  },
  "sallyport.connectFolder": {
    what: connecting,
    run: async (services, node) =>
      (await import("./connect/connect-commands.ts")).connectFolder(services, node),
  },
  "sallyport.openTerminal": {
    what: connecting,
    run: async (services, node) =>
      (await import("./connect/connect-commands.ts")).connect(services, node, "terminal"),
  },
  "sallyport.copySshCommand": {
    what: () => l10n.t("Copying the SSH command"),
    run: async (services, node) =>
      (await import("./connect/connect-commands.ts")).connect(services, node, "copy-command"),
  },
  "sallyport.askAboutKeys": {
    what: () => l10n.t("Asking about keys again"),
    run: async (services, node) =>
      (await import("./connect/connect-commands.ts")).askAboutKeys(services, node),
  },
  "sallyport.openInBrowser": {
    what: () => l10n.t("Opening in the browser"),
    run: async (services, node) =>
      (await import("./workspaces/open-in-browser.ts")).openInBrowser(services, node),
  },
  "sallyport.copyOwnerToken": {
    what: () => l10n.t("Copying an owner token"),
    run: async (services, node) => (await import("./owner-token/commands.ts")).copyOwnerToken(services, node),
  },
  "sallyport.revokeOwnerTokens": {
    what: () => l10n.t("Revoking owner tokens"),
    run: async (services, node) =>
      (await import("./owner-token/commands.ts")).revokeOwnerTokens(services, node),
  },
  "sallyport.renameWorkspace": {
    what: () => l10n.t("Renaming the workspace"),
    run: async (services, node) =>
      (await import("./workspaces/workspace-commands.ts")).rename(services, node),
  },
  "sallyport.shareWorkspace": {
    what: () => l10n.t("Sharing the workspace"),
    run: async (services, node) => (await import("./workspaces/workspace-commands.ts")).share(services, node),
  },
  "sallyport.answerOffer": {
    what: () => l10n.t("Answering an offer"),
    run: async (services, node) => (await import("./workspaces/offers.ts")).answerOffer(services, node),
  },
  "sallyport.leaveWorkspace": {
    what: () => l10n.t("Leaving the workspace"),
    run: async (services, node) => (await import("./workspaces/offers.ts")).leave(services, node),
  },
  "sallyport.deleteWorkspace": {
    what: () => l10n.t("Forgetting the workspace"),
    run: async (services, node) =>
      (await import("./workspaces/workspace-commands.ts")).forget(services, node),
  },
  "sallyport.decideHostKey": {
    what: () => l10n.t("Deciding about a new host key"),
    run: async (services, node) =>
      (await import("./workspaces/decide-host-key.ts")).decideHostKey(services, node),
  },
  "sallyport.showDetails": {
    what: () => l10n.t("Showing details"),
    run: async (services, node) =>
      (await import("./workspaces/workspace-commands.ts")).showDetails(services, node),
  },
  "sallyport.refresh": {
    what: () => l10n.t("Refreshing"),
    run: async ({ gateways }) => {
      await gateways.followAll();
      gateways.retry();
    },
  },
  "sallyport.signIn": {
    what: () => l10n.t("Signing in"),
    run: async (services, node) => (await import("./accounts/sign-in.ts")).signIn(services, node?.gateway),
  },
  "sallyport.signOut": {
    what: () => l10n.t("Signing out"),
    run: async (services, node) => (await import("./accounts/sign-out.ts")).signOut(services, node?.gateway),
  },
  "sallyport.diagnose": {
    what: () => l10n.t("Diagnosing the connection"),
    run: async (services, node) =>
      (await import("./diagnosis/diagnose.ts")).diagnoseConnection(services, node),
  },
  "sallyport.exportLogs": {
    what: () => l10n.t("Exporting logs"),
    run: async (services) => (await import("./diagnosis/export-logs.ts")).exportLogs(services),
  },
  "sallyport.showLog": {
    what: () => l10n.t("Showing the log"),
    run: async ({ log }) => log.show(),
  },
  "sallyport.shareMachine": {
    what: () => l10n.t("Sharing this machine"),
    run: async (services) => (await import("./sharing/share-machine.ts")).shareMachine(services),
  },
  "sallyport.stopSharing": {
    what: () => l10n.t("Ending the sharing of this machine"),
    run: async (services) => (await import("./sharing/share-machine.ts")).stopSharing(services),
  },
  "sallyport.removeSshConfig": {
    what: () => l10n.t("Removing the SSH configuration"),
    run: async (services) => (await import("./ssh-config/remove-config.ts")).removeSshConfig(services),
  },
  "sallyport.showConnection": {
    what: () => l10n.t("Showing the connection"),
    run: async (services) => (await import("./remote-window/connection-status.ts")).showConnection(services),
  },
  "sallyport.openWalkthrough": {
    what: () => l10n.t("Opening the introduction"),
    run: async ({ context }) =>
      commands.executeCommand(
        "workbench.action.openWalkthrough",
        `${context.extension.id}#sallyport.start`,
        false,
      ),
  },
};

export function registerCommands(services: Services, view: WorkspacesView): Disposable[] {
  return Object.entries(ENTRIES).map(([name, { what, run }]) =>
    commands.registerCommand(name, async (argument: unknown) => {
      const node = view.nodeOf(argument);
      try {
        services.log.debug(`${name}${env.remoteName === undefined ? "" : ` in a ${env.remoteName} window`}`);
        await run(services, node);
      } catch (error) {
        await (await import("./failure-message.ts")).showFailure(services, what(), error);
      }
    }),
  );
}
