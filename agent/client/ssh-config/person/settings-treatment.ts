// Every setting of ssh_config(5) (OpenSSH 10.0), and what happens to it if a person has it for all hosts (`Host *`). ssh reads
// the managed blocks first, so they can override settings that would break or weaken their connections. Pure.

export type Treatment =
  /** The blocks that it matters to set it. */
  | "set"
  /** Set only if the person's own file has it, because an ssh that is older than the setting refuses the whole file. */
  | "countered"
  /** The person's value applies to our hosts too. */
  | "kept"
  /** Has no effect here. */
  | "idle";

export interface PersonSetting {
  readonly keyword: string;
  readonly treatment: Treatment;
  /** Without a full stop, for a cell of a table. */
  readonly why: string;
}

/** The values by which a block overrides settings of the kind `countered`: their defaults, or none. */
export const COUNTERS: Readonly<Record<string, string>> = {
  ForkAfterAuthentication: "no",
  KnownHostsCommand: "none",
  RemoteCommand: "none",
  SessionType: "default",
  StdinNull: "no",
};

const set = (keyword: string, why: string): PersonSetting => ({ keyword, treatment: "set", why });
const countered = (keyword: string, why: string): PersonSetting => ({ keyword, treatment: "countered", why });
const kept = (keyword: string, why: string): PersonSetting => ({ keyword, treatment: "kept", why });
const idle = (keyword: string, why: string): PersonSetting => ({ keyword, treatment: "idle", why });

const NEGOTIATED = "both ends have to agree, and a host offers nothing weak: ssh says so where they do not";
const NO_CANONICAL = "names are not canonicalized";
const NOT_TRIED = "not among the sign-in methods that a block allows";
const FORWARDS = "opened with each connection, as to any host";
const SHOWN = "changes only what is shown";

export const PERSON_SETTINGS: readonly PersonSetting[] = [
  set("HostName", "the workspace, or the gateway's SSH port"),
  set("Port", "the same"),
  set("User", "the account; with an owner token, the workspace"),
  set(
    "ProxyCommand",
    "the tunnel; for the gateway's own SSH port the person's is kept, since it may be their only route",
  ),
  set("ProxyJump", "through the gateway; the same"),
  set(
    "ProxyUseFdpass",
    "the tunnel passes bytes and no descriptor; kept with a ProxyCommand of the person's own",
  ),
  set("CanonicalizeHostname", "a different name would use a different block"),
  set("HostKeyAlias", "host keys are pinned under the block's own name"),
  set("UserKnownHostsFile", "only the keys that the gateway published are taken"),
  set("GlobalKnownHostsFile", "the same: a line for all hosts in it could vouch for any key"),
  set("StrictHostKeyChecking", "a key that is not pinned is refused"),
  set("VerifyHostKeyDNS", "the name server is not trusted with host keys"),
  set("UpdateHostKeys", "the pinned keys are Sallyport's to change"),
  set("CheckHostIP", "would write addresses into the pinned keys"),
  set("NoHostAuthenticationForLocalhost", "a gateway on this machine proves itself too"),
  set("PubkeyAuthentication", "people sign in by key; with an owner token, no key is offered"),
  set("PreferredAuthentications", "by key; with an owner token, by answering the prompt"),
  set("PasswordAuthentication", "with an owner token, which is asked for; otherwise not tried"),
  set("KbdInteractiveAuthentication", "the same"),
  set("NumberOfPasswordPrompts", "the same"),
  set("BatchMode", "with an owner token, which is asked for; otherwise the person's"),
  set("IdentityFile", "where keys were chosen, these come first; the person's follow"),
  set("CertificateFile", "the same"),
  set("IdentityAgent", "where a key of an agent was chosen; otherwise the person's"),
  set("IdentitiesOnly", "where keys were chosen; otherwise the person's"),
  set("ServerAliveInterval", "above the time that a tunnel may be away and come back"),
  set("ServerAliveCountMax", "the same"),
  set("ControlMaster", "a socket named after the block would be too long"),
  set("ControlPath", "the same"),
  set("RequestTTY", "a terminal that nobody asked for changes the bytes of rsync and git"),
  set("Tunnel", "hosts have no network devices to offer"),
  countered("RemoteCommand", "breaks scp, rsync and editors"),
  countered("SessionType", "without a session there is no command"),
  countered("StdinNull", "editors and rsync speak on standard input"),
  countered("ForkAfterAuthentication", "editors and rsync wait for ssh"),
  countered("KnownHostsCommand", "only the keys that the gateway published are taken"),
  kept("Ciphers", NEGOTIATED),
  kept("KexAlgorithms", NEGOTIATED),
  kept("MACs", NEGOTIATED),
  kept("HostKeyAlgorithms", NEGOTIATED),
  kept("PubkeyAcceptedAlgorithms", "which keys may be offered, as of any host"),
  kept("RequiredRSASize", "can only refuse"),
  kept("RevokedHostKeys", "can only refuse"),
  kept("RefuseConnection", "can only refuse"),
  kept("WarnWeakCrypto", SHOWN),
  kept("PKCS11Provider", "where keys come from"),
  kept("SecurityKeyProvider", "where keys come from"),
  kept("AddKeysToAgent", "what the person's agent keeps"),
  kept("AddressFamily", "of connections to the gateway's SSH port; a tunnel makes its own"),
  kept("BindAddress", "of connections to the gateway's SSH port; a tunnel makes its own"),
  kept("BindInterface", "of connections to the gateway's SSH port; a tunnel makes its own"),
  kept("ConnectTimeout", "how long the person waits; a tunnel through a poor network may need 15 s"),
  kept("ConnectionAttempts", "how often the gateway's SSH port is tried"),
  kept("TCPKeepAlive", "of the connection to the gateway's SSH port"),
  kept("IPQoS", "of the connection to the gateway's SSH port"),
  kept("Compression", "costs time, but works"),
  kept("RekeyLimit", "how often new session keys are made"),
  kept(
    "ForwardAgent",
    "the person decides who may use their agent; note that these hosts include shared workspaces",
  ),
  kept("ForwardX11", "the same, with their screen"),
  kept("ForwardX11Trusted", "the same, with their screen"),
  kept("ForwardX11Timeout", "the same, with their screen"),
  kept("XAuthLocation", "a program of this machine"),
  kept("LocalForward", FORWARDS),
  kept("RemoteForward", FORWARDS),
  kept("DynamicForward", FORWARDS),
  kept("ClearAllForwardings", FORWARDS),
  kept("ExitOnForwardFailure", FORWARDS),
  kept("GatewayPorts", FORWARDS),
  kept("PermitRemoteOpen", FORWARDS),
  kept("StreamLocalBindMask", FORWARDS),
  kept("StreamLocalBindUnlink", FORWARDS),
  kept("ChannelTimeout", "channels end when the person says so"),
  kept("SendEnv", "the host decides what it accepts"),
  kept("SetEnv", "the host decides what it accepts"),
  kept("PermitLocalCommand", "the person's own command on their own machine"),
  kept("LocalCommand", "the person's own command on their own machine"),
  kept("EscapeChar", "of the person's terminal"),
  kept("EnableEscapeCommandline", "of the person's terminal"),
  kept("ObscureKeystrokeTiming", "costs traffic, but works"),
  kept("LogLevel", SHOWN),
  kept("LogVerbose", SHOWN),
  kept("SyslogFacility", SHOWN),
  kept("VisualHostKey", SHOWN),
  kept("FingerprintHash", SHOWN),
  kept("VersionAddendum", SHOWN),
  kept("IgnoreUnknown", "of the person's file"),
  kept("Include", "of the person's file"),
  kept("Host", "of the person's file"),
  kept("Match", "of the person's file"),
  kept("Tag", "chooses among the person's own Match blocks"),
  idle("CanonicalDomains", NO_CANONICAL),
  idle("CanonicalizeFallbackLocal", NO_CANONICAL),
  idle("CanonicalizeMaxDots", NO_CANONICAL),
  idle("CanonicalizePermittedCNAMEs", NO_CANONICAL),
  idle("CASignatureAlgorithms", "host certificates are not taken"),
  idle("HashKnownHosts", "no host key is written"),
  idle("ControlPersist", "no connection is shared"),
  idle("TunnelDevice", "no device is asked for"),
  idle("EnableSSHKeysign", NOT_TRIED),
  idle("HostbasedAuthentication", NOT_TRIED),
  idle("HostbasedAcceptedAlgorithms", NOT_TRIED),
  idle("KbdInteractiveDevices", "gateways have one"),
  idle("GSSAPIAuthentication", NOT_TRIED),
  idle("GSSAPIDelegateCredentials", NOT_TRIED),
  idle("GSSAPIClientIdentity", NOT_TRIED),
  idle("GSSAPIServerIdentity", NOT_TRIED),
  idle("GSSAPITrustDns", NOT_TRIED),
  idle("GSSAPIRenewalForcesRekey", NOT_TRIED),
  idle("GSSAPIKeyExchange", "hosts do not offer it"),
  idle("GSSAPIKexAlgorithms", "hosts do not offer it"),
];
