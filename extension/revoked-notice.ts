// What the person is told once something was revoked, unshared or deleted.

import { window } from "vscode";

/**
 * @param done undefined: the view shows it
 * @param notWritten the gateway's warning that this is in effect but not yet on its disk
 */
export function showRevoked(done: string | undefined, notWritten: string | undefined): void {
  if (notWritten !== undefined) {
    void window.showWarningMessage(done === undefined ? notWritten : `${done} ${notWritten}`);
  } else if (done !== undefined) void window.showInformationMessage(done);
}
