// Runs ssh-keygen in a terminal of the editor when it has to ask for a passphrase, a PIN or a touch. What the person
// types does not pass through our code.

import { ExtensionKind, env, l10n, type Terminal, window } from "vscode";
import type { RunKeygen } from "../../agent/client/keys/sign-proof.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { Services } from "../services.ts";

/**
 * Whether the editor's terminals run on this machine, where the key is. In a remote window they run on the remote
 * machine.
 */
export function hasTerminalsHere({ context }: Services): boolean {
  return env.remoteName === undefined || context.extension.extensionKind === ExtensionKind.Workspace;
}

/** `where` is the gateway's name as the person sees it. */
export function terminalKeygen(where: string, signal: AbortSignal): RunKeygen {
  return async (args) => {
    signal.throwIfAborted();
    const terminal = window.createTerminal({
      name: l10n.t("Prove your SSH key"),
      message: l10n.t(
        "{0} needs proof that this key is yours. ssh-keygen signs with it, and may ask for its passphrase or for a touch.",
        where,
      ),
      shellPath: "ssh-keygen",
      shellArgs: [...args],
      isTransient: true,
    });
    terminal.show();
    if ((await exitCode(terminal, signal)) === 0) return;
    throw new CommandError("ssh", "not_signed", l10n.t("ssh-keygen did not sign with the key."));
  };
}

/** Returns undefined when the terminal was closed before ssh-keygen ended. */
async function exitCode(terminal: Terminal, signal: AbortSignal): Promise<number | undefined> {
  const close = () => terminal.dispose();
  signal.addEventListener("abort", close, { once: true });
  try {
    return await new Promise((resolve) => {
      const listener = window.onDidCloseTerminal((closed) => {
        if (closed !== terminal) return;
        listener.dispose();
        resolve(closed.exitStatus?.code);
      });
    });
  } finally {
    signal.removeEventListener("abort", close);
  }
}
