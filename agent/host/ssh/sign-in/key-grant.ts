// What a public key may do once it has signed in. For keys from the host's own files, key-options.ts reads it from their
// lines; keys that the gateway pushes may do everything.

export interface KeyPermissions {
  readonly pty: boolean;
  /** TCP and Unix sockets, both directions. */
  readonly portForwarding: boolean;
  readonly agentForwarding: boolean;
  /** Runs instead of what the client asks for: shell, command or subsystem. */
  readonly command: string | undefined;
  /** Where `direct-tcpip` may go, `host:port` with `*` for any; undefined: anywhere. */
  readonly permitOpen: readonly string[] | undefined;
  /** Where `tcpip-forward` may listen, `[host:]port`; undefined: anywhere. */
  readonly permitListen: readonly string[] | undefined;
  /** FIDO keys: a touch (default), and a PIN or the like. */
  readonly touchRequired: boolean;
  readonly verificationRequired: boolean;
}

export interface KeyGrant {
  /** Whose key it is at the gateway; null for keys from the host's own files. */
  readonly account: string | null;
  readonly fingerprint: string;
  readonly permissions: KeyPermissions;
}

/** A key as a client offers it. */
export interface OfferedKey {
  readonly type: string;
  /** The wire form. */
  readonly blob: Buffer;
}

export const ALL_PERMISSIONS: KeyPermissions = {
  pty: true,
  portForwarding: true,
  agentForwarding: true,
  command: undefined,
  permitOpen: undefined,
  permitListen: undefined,
  touchRequired: true,
  verificationRequired: false,
};
