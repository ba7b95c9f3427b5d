// Limits that both ends of a connection have to agree on. Sizes are in bytes, times in milliseconds.

/** The largest WebSocket message that may be sent. A larger one closes the connection with 1009. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** The largest control message (JSON text). */
export const MAX_CONTROL_BYTES = 256 * 1024;
/** The largest JSON body of an API request. */
export const MAX_BODY_BYTES = 64 * 1024;
/** How much is read from a socket and sent as one WebSocket message. */
export const CHUNK_BYTES = 64 * 1024;
/** A sender with more than this buffered stops reading what it sends. */
export const HIGH_WATER_BYTES = 512 * 1024;
/**
 * What a message that waits to be sent costs in memory besides its bytes: buffers, queue entries, callbacks. If this did not
 * count, a peer that causes small messages and does not read them could make this side hold a thousand times their size.
 */
export const WAITING_MESSAGE_BYTES = 1024;

/** From the upgrade to an accepted `register` message. */
export const REGISTER_TIMEOUT_MS = 10_000;
/** From `open` to the host's dial-back. */
export const DIAL_BACK_TIMEOUT_MS = 10_000;
/** Between two pings. Load balancers cut idle connections after 55–60 s, and may answer WebSocket pings themselves. */
export const PING_INTERVAL_MS = 20_000;
/** A connection on which nothing was received for this long is dead (two pings were missed). */
export const DEAD_AFTER_MS = 45_000;
/** The wait between two attempts to connect doubles from the first value to the second, with jitter. */
export const BACKOFF_MIN_MS = 250;
export const BACKOFF_MAX_MS = 13_000;

/** How many SSH keys a host accepts from the gateway for one workspace. */
export const MAX_PUSHED_KEYS = 1_000;
/** The longest authorized_keys line, in characters: RSA-16384 with options and a comment fits. */
export const MAX_KEY_LINE = 8 * 1024;
