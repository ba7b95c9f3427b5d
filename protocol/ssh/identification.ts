// How hosts and gateways name themselves (RFC 4253 §4.2), behind `SSH-2.0-`.

/**
 * Clients decide by it how to speak to an OpenSSH: its own client leaves its extensions out (`eow@openssh.com`, without which
 * `ssh workspace yes | head` would leave `yes` behind); SFTP clients send the two paths of a symbolic link in OpenSSH's order, which
 * is the one that hosts have (OpenSSH PROTOCOL §4.1). Some want a version number behind the underscore: this is the newest whose
 * extensions are all here. Who it is says the comment. test/unit/protocol/ssh/identification.test.ts has what clients look at.
 */
export const IDENTIFICATION = "OpenSSH_9.9 Sallyport";
