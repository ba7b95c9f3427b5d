// Bounds on one workspace's streams, which hold whichever process opens them.

/** Of which one account alone has half. */
export const MAX_STREAMS_PER_WORKSPACE = 1_024;
/** A host dials this many back at once; one that never does must not take the slots of everyone who waits. */
export const MAX_OPENING = 64;
