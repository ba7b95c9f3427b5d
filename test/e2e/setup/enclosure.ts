// The enclosure in which the tests run: their own mount, network and process namespaces. OpenSSH takes `~` from the
// user database and not from $HOME, so an empty home is mounted over that directory. The gateway has a name and the
// standard ports, the firewall rules apply only inside, and processes that a test leaves running end with the
// namespace.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { shellWord } from "../../support/programs/shell-word.ts";

/** Root can make namespaces; everybody else becomes the root of a user namespace, whose home is root's. */
export const ENTER: readonly [string, ...string[]] = [
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  ...["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"],
];

/** The home of the user inside the enclosure. */
export const HOME = "/root";

export const GATEWAY_HOST = "sallyport.example";
/** Not 127.0.0.1, so that no other server of the tests is mistaken for the gateway. */
export const GATEWAY_ADDRESS = "127.0.0.2";

/** The system's certificate authorities: VS Code trusts them instead of Node's own. */
export const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

/** A path below the home, and where it is mounted while the home is covered. */
interface Aside {
  readonly path: string;
  readonly mount: string;
}

export function asides(visible: readonly string[], directory: string): Aside[] {
  return visible
    .filter((path) => !relative(HOME, path).startsWith(".."))
    .map((path, index) => ({ path, mount: join(directory, `aside-${index}`) }));
}

/** The command that runs `command` in the enclosure. Paths in `aside` stay visible although the home that contains them is
 * covered. The system trusts the certificate in `certFile`.
 */
export function enclosed(
  command: readonly string[],
  directory: string,
  aside: readonly Aside[],
  certFile: string,
): readonly [string, ...string[]] {
  const authorities = join(directory, "authorities.pem");
  writeFileSync(authorities, readFileSync(AUTHORITIES, "utf8") + readFileSync(certFile, "utf8"));
  const hosts = join(directory, "etc-hosts");
  writeFileSync(hosts, `127.0.0.1 localhost\n::1 localhost\n${GATEWAY_ADDRESS} ${GATEWAY_HOST}\n`);
  for (const { mount } of aside) mkdirSync(mount);
  const script = [
    "set -eu",
    "ip link set lo up",
    `mount --bind ${shellWord(hosts)} /etc/hosts`,
    `mount --bind ${shellWord(authorities)} ${AUTHORITIES}`,
    ...aside.map(({ path, mount }) => `mount --bind ${shellWord(path)} ${shellWord(mount)}`),
    `mount -t tmpfs -o mode=0700 home ${HOME}`,
    ...uncover(aside),
    `export HOME=${HOME}`,
    `exec ${command.map(shellWord).join(" ")}`,
  ];
  return [...ENTER, "sh", "-c", script.join("\n")];
}

/**
 * Inside the enclosure, the command that runs `command` on what looks like a separate machine, with `home` as its home.
 */
export function withHome(
  command: readonly string[],
  home: string,
  aside: readonly Aside[],
): readonly [string, ...string[]] {
  const script = [
    "set -eu",
    `mount --bind ${shellWord(home)} ${HOME}`,
    ...uncover(aside),
    `cd ${HOME}`,
    `exec ${command.map(shellWord).join(" ")}`,
  ];
  return ["unshare", "--mount", "sh", "-c", script.join("\n")];
}

function uncover(aside: readonly Aside[]): string[] {
  return aside.flatMap(({ path, mount }) => [
    `mkdir -p ${shellWord(path)}`,
    `mount --bind ${shellWord(mount)} ${shellWord(path)}`,
  ]);
}
