// The numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02) and the limits that this server announces.

export const PACKET = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

export const STATUS = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const;

/** The pflags of SSH_FXP_OPEN (§6.3). */
export const OPEN = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

/** Which fields an ATTRS structure has (§5). */
export const ATTRIBUTE = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x8000_0000 } as const;

export const PROTOCOL_VERSION = 3;

/** The largest packet either way, without its length field; one byte more ends the session. */
export const MAX_PACKET_BYTES = 256 * 1024;
/** The most bytes of one READ or WRITE; OpenSSH's clients take this size once they know it. */
export const MAX_DATA_BYTES = MAX_PACKET_BYTES - 1024;
export const MAX_HANDLES = 1_000;
/** PATH_MAX of Linux; the kernel would refuse longer paths anyway. */
export const MAX_PATH_BYTES = 4096;
