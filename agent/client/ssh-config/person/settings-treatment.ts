// Every setting of ssh_config(5) (OpenSSH 10.0), and what becomes of it where a person has it for all hosts (`Host *`): the
// managed blocks are read first and set what would break or weaken their connections; all else is said here by name. Pure.

export type Treatment =
  /** Each block that it matters to sets it. */
  | "set"
  /** Younger than some ssh that has to read the file, which would refuse all of it: set where the person's own file has it. */
  | "countered"
  /** The person's own, for our hosts too. */
  | "kept"
  /** Changes nothing here. */
  | "idle";

export interface PersonSetting {
  readonly keyword: string;
  readonly treatment: Treatment;
  /** Ends in no full stop: a cell of a table. */
  readonly why: string;
}

/** What a block says against a setting of the kind `countered`: its default, or that there is none. */
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
const NOT_TRIED = "not among the ways to sign in that a block names";
const FORWARDS = "opened with each connection, as to any host";
const SHOWN = "changes only what is shown";

export const PERSON_SETTINGS: readonly PersonSetting[] = [
  set("HostName", "the workspace, or the gateway's SSH port"),
  set("Port", "the same"),
  set("User", "the account; with an owner token, the workspace"),
  set("ProxyCommand", "the tunnel; for the gateway's own SSH port the person's is kept, as their way out"),
  set("ProxyJump", "through the gateway; the same"),
  set(
    "ProxyUseFdpass",
    "the tunnel passes bytes and no descriptor; kept with a ProxyCommand of the person's own",
  ),
  set("CanonicalizeHostname", "another name would have another block"),
  set("HostKeyAlias", "host keys are pinned under the block's own name"),
  set("UserKnownHostsFile", "only the keys that the gateway published are taken"),
  set("GlobalKnownHostsFile", "the same: a line for all hosts in it could vouch for any key"),
  set("StrictHostKeyChecking", "a key that is not pinned is refused"),
  set("VerifyHostKeyDNS", "the name server vouches for nobody"),
  set("UpdateHostKeys", "the pinned keys are Sallyport's to change"),
  set("CheckHostIP", "would write addresses into the pinned keys"),
  set("NoHostAuthenticationForLocalhost", "a gateway on this machine proves itself too"),
  set("PubkeyAuthentication", "the way to sign in; with an owner token, no key is offered"),
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
  countered("RemoteCommand", "stands in the way of scp, rsync and editors"),
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
  kept("AddressFamily", "the way to the gateway's SSH port; a tunnel has its own"),
  kept("BindAddress", "the way to the gateway's SSH port; a tunnel has its own"),
  kept("BindInterface", "the way to the gateway's SSH port; a tunnel has its own"),
  kept("ConnectTimeout", "how long the person waits; a tunnel through a poor network may need 15 s"),
  kept("ConnectionAttempts", "how often the gateway's SSH port is tried"),
  kept("TCPKeepAlive", "of the connection to the gateway's SSH port"),
  kept("IPQoS", "of the connection to the gateway's SSH port"),
  kept("Compression", "costs time here, and works"),
  kept("RekeyLimit", "new keys are made as often as that"),
  kept(
    "ForwardAgent",
    "the person's word on whom they trust with their agent: shared workspaces are among these hosts",
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
  kept("SendEnv", "what a host takes of it, the host says"),
  kept("SetEnv", "what a host takes of it, the host says"),
  kept("PermitLocalCommand", "the person's own command on their own machine"),
  kept("LocalCommand", "the person's own command on their own machine"),
  kept("EscapeChar", "of the person's terminal"),
  kept("EnableEscapeCommandline", "of the person's terminal"),
  kept("ObscureKeystrokeTiming", "costs traffic, and works"),
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
