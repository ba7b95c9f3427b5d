// Parses the output of `ssh -v` while it connects: OpenSSH 7.2 to 10, in English in every locale. Pure.

export interface OfferedKey {
  /** A path, or the agent's comment. */
  readonly name: string;
  readonly type: string;
  readonly fingerprint: string;
}

/** How far a connection has got. */
export interface SshProgress {
  readonly hostKey: { readonly type: string; readonly fingerprint: string } | undefined;
  /** ssh found it among the pinned host keys. */
  readonly hostKeyTrusted: boolean;
  readonly offered: readonly OfferedKey[];
  /** The fingerprint of the last key that the server would accept, once its possession is proved. */
  readonly accepted: string | undefined;
  readonly authenticated: boolean;
  /** Lines that are not debug output. Bounded. */
  readonly messages: readonly string[];
}

export const NO_PROGRESS: SshProgress = {
  hostKey: undefined,
  hostKeyTrusted: false,
  offered: [],
  accepted: undefined,
  authenticated: false,
  messages: [],
};

const MAX_MESSAGES = 50;
const MAX_OFFERED = 100;

export function advance(progress: SshProgress, line: string): SshProgress {
  const text = line.trimEnd();
  const debug = /^debug\d: (.*)$/.exec(text)?.[1];
  const words = debug ?? text;
  const [, keyType, keyPrint] = /^Server host key: (\S+) (SHA256:\S+)/.exec(words) ?? [];
  if (keyType !== undefined && keyPrint !== undefined) {
    // Shown again after a rekeying.
    return progress.hostKey === undefined
      ? { ...progress, hostKey: { type: keyType, fingerprint: keyPrint } }
      : progress;
  }
  if (/^Host '.*' is known and matches the /.test(words)) return { ...progress, hostKeyTrusted: true };
  const [, name, type, print] = /^Offering public key: (.*) (\S+) (SHA256:\S+)/.exec(words) ?? [];
  if (name !== undefined && type !== undefined && print !== undefined) {
    if (progress.offered.length >= MAX_OFFERED) return progress;
    return { ...progress, offered: [...progress.offered, { name, type, fingerprint: print }] };
  }
  const accepted = /^Server accepts key: .*(SHA256:\S+)/.exec(words)?.[1];
  if (accepted !== undefined) return { ...progress, accepted };
  if (/^Authenticated to .* using |^Authentication succeeded \(/.test(words)) {
    return { ...progress, authenticated: true };
  }
  if (debug !== undefined || text === "" || isNoise(text)) return progress;
  return progress.messages.length >= MAX_MESSAGES
    ? progress
    : { ...progress, messages: [...progress.messages, text.slice(0, 500)] };
}

/** The reason that ssh gave for its end: its last message that says more than that it ended. */
export function lastWords(progress: SshProgress): string | undefined {
  const telling = progress.messages.filter(
    (line) =>
      !/^(?:Connection (?:to|closed|reset)|kex_exchange_identification|stdio forwarding failed|client_loop:)/.test(
        line,
      ),
  );
  return telling.at(-1) ?? progress.messages.at(-1);
}

function isNoise(text: string): boolean {
  return (
    text.startsWith("OpenSSH_") ||
    text.startsWith("Pseudo-terminal ") ||
    text.startsWith("Transferred: ") ||
    text.startsWith("Bytes per second: ") ||
    text.startsWith("Warning: Permanently added ")
  );
}
