// What both ends of a resumable stream agree on. Sizes in bytes, times in milliseconds.

/** How long a stream without a connection is kept. The managed SSH config lets ssh wait longer than this. */
export const GRACE_MS = 300_000;
/** How long the handshake may take on an open connection. */
export const HANDSHAKE_MS = 10_000;
/** A connection is dead if nothing is heard for this long while bytes wait for their ack. Doubled while nothing gets through. */
export const STALLED_MS = 10_000;
export const STALLED_MAX_MS = 80_000;
/** If the clock jumps by more than this, the machine has slept. */
export const JUMP_MS = 5_000;
/** How long a probe, after a sleep or a change of network, waits for its answer. */
export const PROBE_MS = 1_000;
/** After a connection that lasted at least this long, the next one is dialled at once. */
export const STEADY_MS = 1_000;
/** How often an end looks at the clock. */
export const TICK_MS = 1_000;

/** An ack is sent once this many bytes were handed on, or ACK_MS after the first of them. */
export const ACK_BYTES = 256 * 1024;
export const ACK_MS = 50;
/** A peer gets at least this many acks per window of its bytes. */
export const ACKS_IN_WINDOW = 4;

/** How many unacknowledged bytes a sender keeps: at the start, at most, and while its process has no room for more. */
export const WINDOW = 1024 * 1024;
export const WINDOW_MAX = 8 * 1024 * 1024;
export const WINDOW_MIN = 128 * 1024;
/** The window of a peer that has not named its own yet. */
export const WINDOW_UNTOLD = 256 * 1024;
/**
 * The payload of a full frame. With the frame's header and that of a WebSocket client (14 and 8 bytes) it fills a TLS record
 * (16,384 bytes, RFC 8446 §5.1), so the gateway forwards it in the memory that it came in.
 */
export const MAX_PAYLOAD = 16 * 1024 - 8 - 14;
/** How many bytes are taken from a writer at once. */
export const WRITE_BYTES = 4 * MAX_PAYLOAD;
/** Once all streams of a process together keep this much, none of them keeps more than WINDOW_MIN. */
export const PROCESS_BYTES = 256 * 1024 * 1024;
