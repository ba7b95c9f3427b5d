// libssh as the client of a host and of a gateway: it expects some things of a server that OpenSSH's client
// does not.

import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LONG } from "../../support/long.ts";
import { SshStack } from "../../support/ssh/gateway-ssh.ts";
import { startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { PATIENT } from "../gateway-ssh/admission-limits.ts";
import { buildLibsshClient } from "./libssh.ts";
import { knownByAddress } from "./peers.ts";

const built = buildLibsshClient();
const program = typeof built === "string" ? "" : built.program;
afterAll(() => {
  if (typeof built !== "string") built.remove();
});

const RSA = ["-t", "rsa", "-b", "2048"];
const TRIES = 10;

describe.skipIf(typeof built === "string")(
  `libssh (${typeof built === "string" ? built : "built here"})`,
  () => {
    test("signs in at a host with an RSA key, each time", LONG, async () => {
      const host = await startHost({ keyType: RSA });
      const knownHosts = knownByAddress(host);
      try {
        const args = [`${host.port}`, "someone", join(host.directory, "id"), knownHosts];
        for (let round = 0; round < TRIES; round++) {
          const { code, stdout, stderr } = await finish(spawn(program, [...args, "exec", "echo in"]));
          expect([code, stdout.toString(), stderr]).toEqual([0, "in\n", ""]);
        }
      } finally {
        await host.stop();
      }
    });

    test("makes the symbolic link that it was asked for, at a host and through a gateway", async () => {
      const stack = await SshStack.start({ limits: { admission: PATIENT } });
      const host = await startHost();
      try {
        const ada = await stack.account("ada");
        const id = await stack.keyOf(ada, "id");
        await stack.host(ada, "dev");
        const ways = [
          [`${stack.port}`, "dev", id, stack.path("known_hosts")],
          [`${host.port}`, "someone", join(host.directory, "id"), knownByAddress(host)],
        ];
        for (const [index, way] of ways.entries()) {
          const link = join(host.directory, `link-${index}`);
          const { code, stderr } = await finish(spawn(program, [...way, "symlink", "target", link]));
          expect([code, stderr, readlinkSync(link)]).toEqual([0, "", "target"]);
        }
      } finally {
        await host.stop();
        await stack.close();
      }
    });

    test("signs in at a gateway with an RSA key, each time", LONG, async () => {
      const stack = await SshStack.start({ limits: { admission: PATIENT } });
      try {
        const ada = await stack.account("ada");
        const id = await stack.keyOf(ada, "id", RSA);
        await stack.host(ada, "dev");
        const args = [`${stack.port}`, "dev", id, stack.path("known_hosts")];
        for (let round = 0; round < TRIES; round++) {
          const { code, stdout, stderr } = await finish(spawn(program, [...args, "exec", "echo in"]));
          expect([code, stdout.toString(), stderr]).toEqual([0, "in\n", ""]);
        }
      } finally {
        await stack.close();
      }
    });
  },
);
