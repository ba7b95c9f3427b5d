// What the person is told once something was taken back.

import { window } from "vscode";

/**
 * @param done undefined: the view shows it
 * @param notWritten what the gateway says besides: it is in effect, and not written to the gateway's disk yet
 */
export function showTakenBack(done: string | undefined, notWritten: string | undefined): void {
  if (notWritten !== undefined) {
    void window.showWarningMessage(done === undefined ? notWritten : `${done} ${notWritten}`);
  } else if (done !== undefined) void window.showInformationMessage(done);
}
