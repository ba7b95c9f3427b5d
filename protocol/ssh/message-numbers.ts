// Numbers of the connection protocol (RFC 4254 §9) and of its neighbours that the host sends or answers.

export const MSG = {
  globalRequest: 80,
  requestSuccess: 81,
  requestFailure: 82,
  channelOpen: 90,
  channelOpenConfirmation: 91,
  channelOpenFailure: 92,
  channelWindowAdjust: 93,
  channelData: 94,
  channelExtendedData: 95,
  channelEof: 96,
  channelClose: 97,
  channelRequest: 98,
  channelSuccess: 99,
  channelFailure: 100,
  /** OpenSSH PROTOCOL §1.10 */
  ping: 192,
  pong: 193,
} as const;

/** Reasons in CHANNEL_OPEN_FAILURE (RFC 4254 §5.1). */
export const OPEN_FAILURE = {
  administrativelyProhibited: 1,
  connectFailed: 2,
  unknownChannelType: 3,
  resourceShortage: 4,
} as const;

/** Reasons in DISCONNECT (RFC 4253 §11.1). */
export const DISCONNECT = {
  protocolError: 2,
  byApplication: 11,
  tooManyConnections: 12,
  noMoreAuthMethods: 14,
} as const;

/** CHANNEL_EXTENDED_DATA's type for stderr (RFC 4254 §5.2). */
export const STDERR = 1;
