// What the parts of the extension share. It is created once, at activation, and cheap to create: nothing here uses the
// network yet.

import type { ExtensionContext } from "vscode";
import type { AccountStore } from "./accounts/account-store.ts";
import type { Gateways } from "./accounts/gateways.ts";
import type { SignInCallbacks } from "./accounts/sign-in-callbacks.ts";
import type { History } from "./history.ts";
import type { EditorLog } from "./log.ts";

export interface Services {
  readonly context: ExtensionContext;
  readonly log: EditorLog;
  readonly accounts: AccountStore;
  readonly gateways: Gateways;
  readonly signIns: SignInCallbacks;
  readonly history: History;
}
