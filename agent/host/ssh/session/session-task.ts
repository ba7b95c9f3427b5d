// What a session runs: what the client asks for, unless the `command=` option of its key says what runs (sshd(8)).

/** What a client asks for. */
export type Asked =
  | { readonly kind: "shell" }
  | { readonly kind: "exec"; readonly command: string }
  | { readonly kind: "sftp" };

export type SessionTask =
  | { readonly kind: "sftp"; readonly readOnly: boolean }
  | {
      readonly kind: "process";
      /** For the user's shell; undefined: a login shell. */
      readonly command: string | undefined;
      /** For SSH_ORIGINAL_COMMAND: what the client asked for, where `command=` says what runs. */
      readonly originalCommand: string | undefined;
    }
  /** `command=` names the internal SFTP server with options that it does not have. */
  | { readonly kind: "unsupported" };

/** `forced`: the key's `command=` option. */
export function sessionTask(asked: Asked, forced: string | undefined): SessionTask {
  if (forced !== undefined) {
    return forcedSftp(forced) ?? { kind: "process", command: forced, originalCommand: askedFor(asked) };
  }
  if (asked.kind === "sftp") return { kind: "sftp", readOnly: false };
  const command = asked.kind === "exec" ? asked.command : undefined;
  return { kind: "process", command, originalCommand: undefined };
}

/** `command="internal-sftp"`, with -R for reading only, is the host's own SFTP server; it has no other option. */
function forcedSftp(command: string): SessionTask | undefined {
  const [program, ...options] = command.trim().split(/\s+/);
  if (program !== "internal-sftp") return undefined;
  if (options.some((option) => option !== "-R")) return { kind: "unsupported" };
  return { kind: "sftp", readOnly: options.length > 0 };
}

/** As sshd has it: nothing for a shell. */
function askedFor(asked: Asked): string | undefined {
  if (asked.kind === "exec") return asked.command;
  return asked.kind === "sftp" ? "internal-sftp" : undefined;
}
