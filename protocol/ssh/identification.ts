// How hosts and gateways identify themselves to SSH peers (RFC 4253 §4.2), after `SSH-2.0-`.

/**
 * Clients decide by this text whether they speak to OpenSSH. OpenSSH's own client uses its extensions only then, such as
 * `eow@openssh.com`, without which `ssh workspace yes | head` would leave `yes` running; SFTP clients then send the two paths of
 * a symbolic link in OpenSSH's order, which hosts expect (OpenSSH PROTOCOL §4.1). Some clients require a version number after
 * the underscore: 9.9 is the newest version whose extensions are all implemented here. The comment names the real software.
 * test/unit/protocol/ssh/identification.test.ts lists what clients look at.
 */
export const IDENTIFICATION = "OpenSSH_9.9 Sallyport";
