// How the gateway proves to an authority that a name is its own.

export const CHALLENGE_KINDS = ["tls-alpn-01", "http-01"] as const;
export type ChallengeKind = (typeof CHALLENGE_KINDS)[number];
