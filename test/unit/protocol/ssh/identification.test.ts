// What clients look at in a server's identification before they send the two paths of a symbolic link: OpenSSH's order is the
// one that hosts have. From their sources; those that can be run are, in test/integration/ssh-peers/symbolic-links.test.ts and
// libssh.test.ts.

import { expect, test } from "vitest";
import { IDENTIFICATION } from "../../../../protocol/ssh/identification.ts";

type Order = "OpenSSH's" | "the draft's";
const where = (isOpenSsh: boolean): Order => (isOpenSsh ? "OpenSSH's" : "the draft's");

const CLIENTS: readonly (readonly [name: string, order: (identification: string) => Order])[] = [
  // ssh_get_openssh_version(): a number behind the first "OpenSSH_", wherever that is. So do KDE's kio_sftp and all that is
  // made of libssh.
  [
    "libssh, KDE",
    (identification) => {
      const [, version = "none"] = /OpenSSH.(.*)/.exec(identification) ?? [];
      return where(Number.parseInt(version, 10) > 0);
    },
  ],
  // TSecureShell: the software version begins with it.
  ["WinSCP", (identification) => where(identification.startsWith("OpenSSH"))],
  // SFTPClientHandler._nonstandard_symlink_impls: one of these names is at its beginning.
  ["asyncssh", (identification) => where(/^(OpenSSH|paramiko)/.test(identification))],
  // Whatever the server is. PuTTY's psftp makes no links.
  ["OpenSSH's sftp, sshfs, JSch, paramiko, Go's pkg/sftp, libssh2", () => where(true)],
];

test.each(CLIENTS)("%s takes a host and a gateway for an OpenSSH", (_, order) => {
  expect(order(IDENTIFICATION)).toBe("OpenSSH's");
});

test("OpenSSH's own client speaks its extensions to it, and none of its workarounds for old servers is for it", () => {
  // compat.c: `OpenSSH*` has the extensions; what is matched before that are versions up to 7.x.
  expect(IDENTIFICATION).toMatch(/^OpenSSH_(?:[89]|\d\d)\.\d/);
});

test("it is one that RFC 4253 §4.2 allows: a version without blanks or minus signs, and a comment", () => {
  const [version = "", ...comment] = IDENTIFICATION.split(" ");
  expect(version).toMatch(/^[\x21-\x2c\x2e-\x7e]+$/);
  expect(comment.join(" ")).toBe("Sallyport");
  expect(`SSH-2.0-${IDENTIFICATION}\r\n`.length).toBeLessThanOrEqual(255);
});
