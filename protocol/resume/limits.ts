// What both ends of a resumable stream agree on. Sizes in bytes, times in milliseconds.

/** How long a stream without a connection is kept. The managed SSH config lets ssh wait longer than this. */
export const GRACE_MS = 300_000;
/** From an open connection to a finished handshake. */
export const HANDSHAKE_MS = 10_000;
/** Nothing heard for this long while bytes wait for their ack. Doubled for as long as nothing gets through. */
export const STALLED_MS = 10_000;
export const STALLED_MAX_MS = 80_000;
/** A clock that jumped by more than this: the machine has slept. */
export const JUMP_MS = 5_000;
/** For an answer to the probe after a sleep or a change of network. */
export const PROBE_MS = 1_000;
/** A connection that lasted this long was a good one: when it is lost, the next is dialled at once. */
export const STEADY_MS = 1_000;
/** Between two looks at the clock. */
export const TICK_MS = 1_000;

/** An ack is sent once this much was taken, or ACK_MS after the first byte of it. */
export const ACK_BYTES = 256 * 1024;
export const ACK_MS = 50;
/** Acks that a peer gets, at least, while a window of its bytes is handed on. */
export const ACKS_IN_WINDOW = 4;

/** Unacknowledged bytes that a sender keeps, to start with, and at most; and where its process has no room for more. */
export const WINDOW = 1024 * 1024;
export const WINDOW_MAX = 8 * 1024 * 1024;
export const WINDOW_MIN = 128 * 1024;
/** What a peer that has not said so yet surely has room for. */
export const WINDOW_UNTOLD = 256 * 1024;
/**
 * In one frame that is sent: with its own header and a WebSocket client's (14 and 8 bytes) it fills a TLS record (16,384 bytes,
 * RFC 8446 §5.1), so that the gateway sends it on in the memory that it came in.
 */
export const MAX_PAYLOAD = 16 * 1024 - 8 - 14;
/** Taken from a writer at once. */
export const WRITE_BYTES = 4 * MAX_PAYLOAD;
/** Unacknowledged bytes of all streams of a process together, past which none has more than WINDOW_MIN. */
export const PROCESS_BYTES = 256 * 1024 * 1024;
