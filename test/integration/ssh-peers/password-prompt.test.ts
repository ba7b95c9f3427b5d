// Programs that answer the gateway's prompt for a person. Each of them looks for the word "password" in it.

import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram } from "../../support/programs/find-program.ts";
import { SshStack } from "../../support/ssh/gateway-ssh.ts";
import { finish } from "../../support/ssh/ssh-client.ts";
import { PATIENT } from "../gateway-ssh/admission-limits.ts";

let stack: SshStack;
let token: string;
beforeAll(async () => {
  stack = await SshStack.start({ limits: { admission: PATIENT } });
  const ada = await stack.account("ada");
  await stack.host(ada, "dev");
  token = (await stack.ownerToken(ada, "dev")).token;
});
afterAll(() => stack.close());

const isHere = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
/** A program that waits for a different prompt waits for ever. */
const PATIENCE_MS = 60_000;
const run = (program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  finish(spawn(program, args, { env: { ...process.env, ...environment }, timeout: PATIENCE_MS }));

const programs = {
  sshpass: isHere("sshpass", "-V"),
  // It makes directories in its home, even to print its version.
  lftp: findProgram("lftp", []) !== undefined,
  asyncssh: isHere("/usr/bin/python3", "-c", "import asyncssh"),
  paramiko: isHere("/usr/bin/python3", "-c", "import paramiko"),
};
const named = (program: keyof typeof programs) =>
  programs[program] ? program : `${program} (which is not here)`;

describe.each(["keyboard-interactive", "password"])(
  "an owner token that the gateway asks for by %s",
  (method) => {
    test.skipIf(!programs.sshpass)(`is given by ${named("sshpass")}`, async () => {
      const ssh = [
        "-F",
        stack.path("config"),
        "-o",
        "BatchMode=no",
        "-o",
        `PreferredAuthentications=${method}`,
      ];
      const result = await run("sshpass", ["-e", "ssh", ...ssh, "dev@gw", "echo in"], { SSHPASS: token });
      expect([result.code, result.stdout.toString()]).toEqual([0, "in\n"]);
    });

    test.skipIf(!programs.lftp)(`is given by ${named("lftp")}`, async () => {
      writeFileSync(stack.path("home/listed"), "");
      const ssh = `ssh -a -x -F ${stack.path("config")} -o BatchMode=no -o PreferredAuthentications=${method}`;
      const commands = [
        "set net:max-retries 1; set net:timeout 20; set cmd:fail-exit yes; set sftp:auto-confirm no",
        `set sftp:connect-program "${ssh}"`,
        `open --env-password -u dev sftp://127.0.0.1:${stack.port}`,
        `cls -1 ${stack.path("home")}; exit`,
      ];
      const result = await run("lftp", ["-c", commands.join("; ")], {
        LFTP_PASSWORD: token,
        HOME: stack.path("home"),
      });
      expect(result.stdout.toString()).toContain("/listed\n");
    });
  },
);

describe("an owner token as the password of a library", () => {
  test.skipIf(!programs.asyncssh)(`opens its workspace to ${named("asyncssh")}`, async () => {
    const script = [
      "import asyncssh, asyncio, sys",
      "async def main():",
      "  c = await asyncssh.connect('127.0.0.1', port=int(sys.argv[1]), username='dev', password=sys.stdin.read(),",
      "    known_hosts=sys.argv[2], client_keys=None, config=None, agent_path=None, preferred_auth=sys.argv[3])",
      "  print((await c.run('echo in')).stdout, end='')",
      "asyncio.run(main())",
    ].join("\n");
    for (const method of ["keyboard-interactive", "password"]) {
      const args = ["-W", "ignore", "-c", script, `${stack.port}`, stack.path("known_hosts"), method];
      const result = await finish(spawn("/usr/bin/python3", args), token);
      expect([result.code, result.stdout.toString(), result.stderr]).toEqual([0, "in\n", ""]);
    }
  });

  test.skipIf(!programs.paramiko)(`opens its workspace to ${named("paramiko")}`, async () => {
    const script = [
      "import paramiko, sys",
      "c = paramiko.SSHClient()",
      "c.load_host_keys(sys.argv[2])",
      "c.connect('127.0.0.1', int(sys.argv[1]), 'dev', sys.stdin.read(), allow_agent=False, look_for_keys=False)",
      "sys.stdout.write(c.exec_command('echo in')[1].read().decode())",
      "c.close()",
    ].join("\n");
    const args = ["-W", "ignore", "-c", script, `${stack.port}`, stack.path("known_hosts")];
    const result = await finish(spawn("/usr/bin/python3", args), token);
    expect([result.code, result.stdout.toString(), result.stderr]).toEqual([0, "in\n", ""]);
  });
});
