// The numbers of SSH's messages and of the reasons in them, as far as Sallyport reads or writes them.

export const MSG = {
  /** Transport (RFC 4253 §12). */
  disconnect: 1,
  unimplemented: 3,
  serviceRequest: 5,
  /** RFC 8308 §2.3 */
  extInfo: 7,
  kexInit: 20,
  /** Sign-in (RFC 4252 §6); its numbers begin with this one. */
  userAuthRequest: 50,
  /** The connection protocol (RFC 4254 §9); its numbers begin with this one. */
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
  keyExchangeFailed: 3,
  byApplication: 11,
  tooManyConnections: 12,
  noMoreAuthMethods: 14,
} as const;

/** CHANNEL_EXTENDED_DATA's type for stderr (RFC 4254 §5.2). */
export const STDERR = 1;
