// Names, commands and variables that are not UTF-8 arrive as they were sent, since file names are bytes. Where Node cannot
// pass such bytes to ssh, a shell makes them with printf(1).

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LONG } from "../../support/long.ts";
import { freePort } from "../../support/loopback.ts";
import { type Host, startHost } from "../../support/ssh/host-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { settled, until } from "../../support/until.ts";

/** "lät" in Latin-1. */
const NAME = Buffer.from([0x6c, 0xe4, 0x74]);
const PRINTED = "$(printf 'l\\344t')";

let host: Host;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host.stop());

/** Runs a shell in the host's directory, where `$ssh` is ssh with its configuration. */
const shell = (script: string) =>
  finish(
    spawn("/bin/sh", ["-c", script], {
      cwd: host.directory,
      env: { ...process.env, ssh: `ssh -F ${join(host.directory, "config")}` },
    }),
  );
const directory = (name: string) => {
  const path = join(host.directory, name);
  mkdirSync(path);
  return path;
};
const names = (path: string) => readdirSync(path, { encoding: "buffer" });
const within = (path: string, ...parts: readonly Buffer[]) =>
  Buffer.concat([Buffer.from(path), ...parts.flatMap((part) => [Buffer.from("/"), part])]);

describe("bytes that are not UTF-8", () => {
  test.each(["", "-tt"])("arrive unchanged in a command (%s)", async (option) => {
    const { stdout } = await shell(`$ssh ${option} ws "printf %s ${PRINTED} | od -An -tx1"`);
    expect(stdout.toString().trim()).toBe("6c e4 74");
  });

  test("arrive unchanged in a long command", async () => {
    const { stdout } = await shell(`$ssh ws "printf %s ${PRINTED} ${"x".repeat(100_000)} | od -An -tx1 -N4"`);
    expect(stdout.toString().trim()).toBe("6c e4 74 78");
  });

  test("arrive unchanged in a variable, also in one of the locale", async () => {
    const config = readFileSync(join(host.directory, "config"));
    const set = Buffer.concat([
      Buffer.from("Host ws\n  SetEnv ODD="),
      NAME,
      Buffer.from(" LC_ODD="),
      NAME,
      Buffer.from(" PLAIN=ä\n"),
      config,
    ]);
    writeFileSync(join(host.directory, "bytes-config"), set);
    const { stdout } = await host.ssh([
      ...["-F", join(host.directory, "bytes-config"), "ws"],
      'printf "%s|%s|%s" "$ODD" "$LC_ODD" "$PLAIN"',
    ]);
    expect(stdout).toEqual(Buffer.concat([NAME, Buffer.from("|"), NAME, Buffer.from("|ä")]));
  });

  test(
    "that are more than the system takes fail with the reason, and cost the host no descriptor",
    LONG,
    async () => {
      // Each byte travels as four.
      const line = Buffer.concat(
        Array.from({ length: 9 }, (_, index) =>
          Buffer.concat([Buffer.from(` ODD${index}=`), Buffer.alloc(100_000, 0xe4)]),
        ),
      );
      const path = join(host.directory, "many-bytes-config");
      const config = readFileSync(join(host.directory, "config"));
      writeFileSync(path, Buffer.concat([Buffer.from("Host ws\n  SetEnv"), line, Buffer.from("\n"), config]));
      const failing = () => host.ssh(["-F", path, "ws", "echo in"]);
      const { code, stderr } = await failing();
      expect([code, stderr]).toEqual([1, expect.stringMatching(/Argument list too long\n$/)]);
      const descriptors = () => readdirSync("/proc/self/fd").length;
      const before = await settled(descriptors);
      for (let round = 0; round < 5; round++) await failing();
      expect(await settled(descriptors)).toBeLessThan(before + 10);
    },
  );

  test.skipIf(spawnSync("rsync", ["--version"]).status !== 0)(
    "are in a directory that rsync copies to",
    async () => {
      const to = directory("rsynced");
      writeFileSync(join(host.directory, "file"), "copied");
      const { code, stderr } = await shell(`rsync -s -e "$ssh" file "ws:${to}/${PRINTED}/"`);
      expect([code, stderr]).toEqual([0, ""]);
      expect(names(to)).toEqual([NAME]);
      const { code: old } = await shell(`rsync --old-args -e "$ssh" file "ws:${to}/${PRINTED}/again"`);
      expect(old).toBe(0);
      expect(readFileSync(within(to, NAME, Buffer.from("again")), "utf8")).toBe("copied");
    },
  );

  test("arrive unchanged in the names that scp and sftp copy to, list, link and remove", async () => {
    const to = directory("copied");
    writeFileSync(join(host.directory, "file"), "copied");
    const scp = `scp -F ${join(host.directory, "config")}`;
    expect((await shell(`${scp} file "ws:${to}/${PRINTED}"`)).code).toBe(0);
    expect(names(to)).toEqual([NAME]);
    expect((await shell(`${scp} "ws:${to}/${PRINTED}" "back${PRINTED}"`)).code).toBe(0);
    expect(readFileSync(within(host.directory, Buffer.concat([Buffer.from("back"), NAME])), "utf8")).toBe(
      "copied",
    );
    const batch = `cd ${to}\\nsymlink l\\344t m\\344t\\nmkdir d\\344t\\nls -1\\nrm l\\344t\\nbye\\n`;
    const listed = await shell(`printf '${batch}' | sftp -q -b - -F ${join(host.directory, "config")} ws`);
    expect(listed.code).toBe(0);
    expect(names(to).map((name) => name.toString("latin1"))).toEqual(["dät", "mät"]);
  });

  test("arrive unchanged in a socket's path that is connected to", async () => {
    const at = directory("there");
    const real = createServer((socket) => socket.end("from the socket"));
    await new Promise<void>((resolve) => real.listen(join(at, "s"), resolve));
    spawnSync("sh", ["-c", `mv s "${PRINTED}"`], { cwd: at });
    const port = await freePort();
    const tunnel = spawn("/bin/sh", ["-c", `exec $ssh -N -L "127.0.0.1:${port}:${at}/${PRINTED}" ws`], {
      env: { ...process.env, ssh: `ssh -F ${join(host.directory, "config")}` },
    });
    try {
      const answer = await until(() => asked({ port, host: "127.0.0.1" }));
      expect(answer).toBe("from the socket");
    } finally {
      tunnel.kill();
      real.close();
    }
  });

  test("arrive unchanged in a socket's path that the host listens on, and in what the client is told of it", async () => {
    const at = directory("here");
    const target = createServer((socket) => socket.end("from the client"));
    await new Promise<void>((resolve) => target.listen(join(host.directory, "target"), resolve));
    const forward = `${at}/${PRINTED}:${join(host.directory, "target")}`;
    const tunnel = spawn("/bin/sh", ["-c", `exec $ssh -N -R "${forward}" ws`], {
      env: { ...process.env, ssh: `ssh -F ${join(host.directory, "config")}` },
    });
    try {
      await until(() => names(at).some((name) => name.equals(NAME)));
      // Node's own sockets cannot name it.
      spawnSync("sh", ["-c", `ln -s "${PRINTED}" plain`], { cwd: at });
      expect(await until(() => asked({ path: join(at, "plain") }))).toBe("from the client");
    } finally {
      tunnel.kill();
      target.close();
    }
    await until(() => !names(at).some((name) => name.equals(NAME)));
  });
});

/** What a socket sends; undefined: nobody listens yet. */
function asked(where: { port: number; host: string } | { path: string }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(where);
    let text = "";
    socket.on("data", (data) => {
      text += String(data);
    });
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(text === "" ? undefined : text));
  });
}
