// SFTP specifies one order for the two paths of a symbolic link, and OpenSSH uses the other (PROTOCOL §4.1).
// Some clients choose the order by the server's version line. The tests check that links are right with every
// client on this machine.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Host, publicKey, startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { knownByAddress } from "./peers.ts";

let host: Host;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host.stop());

const PYTHON = "/usr/bin/python3";
const isHere = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
const python = (script: readonly string[], link: string) =>
  finish(
    spawn(PYTHON, [
      ...["-W", "ignore", "-c", script.join("\n"), `${host.port}`, knownByAddress(host)],
      ...[join(host.directory, "id"), link],
    ]),
  );

const clients = {
  sftp: {
    isHere: true,
    link: (link: string) =>
      finish(spawn("sftp", [...host.options, "-b", "-", "ws"]), `symlink target ${link}\n`),
  },
  paramiko: {
    isHere: isHere(PYTHON, "-c", "import paramiko"),
    link: (link: string) =>
      python(
        [
          "import paramiko, sys",
          "c = paramiko.SSHClient()",
          "c.load_host_keys(sys.argv[2])",
          "c.connect('127.0.0.1', int(sys.argv[1]), 'x', key_filename=sys.argv[3], allow_agent=False, look_for_keys=False)",
          "c.open_sftp().symlink('target', sys.argv[4])",
        ],
        link,
      ),
  },
  asyncssh: {
    isHere: isHere(PYTHON, "-W", "ignore", "-c", "import asyncssh"),
    link: (link: string) =>
      python(
        [
          "import asyncssh, asyncio, sys",
          "async def main():",
          "  c = await asyncssh.connect('127.0.0.1', port=int(sys.argv[1]), username='x', known_hosts=sys.argv[2],",
          "    client_keys=[sys.argv[3]], config=None, agent_path=None)",
          "  await (await c.start_sftp_client()).symlink('target', sys.argv[4])",
          "asyncio.run(main())",
        ],
        link,
      ),
  },
  "curl (libssh2)": {
    isHere: spawnSync("curl", ["--version"], { encoding: "utf8" }).stdout?.includes("libssh2") === true,
    link: (link: string) => {
      const hostKey = createHash("sha256")
        .update(publicKey(join(host.directory, "host_key")))
        .digest("base64");
      const key = ["--key", join(host.directory, "id"), "--pubkey", join(host.directory, "id.pub")];
      return finish(
        spawn("curl", [
          ...["-sS", ...key, "--hostpubsha256", hostKey, "--user", "x:", "-Q", `ln target ${link}`],
          ...["--list-only", `sftp://127.0.0.1:${host.port}${host.directory}/`],
        ]),
      );
    },
  },
};

for (const [name, client] of Object.entries(clients)) {
  test.skipIf(!client.isHere)(
    `${name}${client.isHere ? "" : " (which is not here)"} makes the link that it is asked for`,
    async () => {
      const link = join(host.directory, `link-${name.split(" ")[0]}`);
      const { code, stderr } = await client.link(link);
      expect([code, stderr, code === 0 ? readlinkSync(link) : ""]).toEqual([0, "", "target"]);
    },
  );
}
