// `sallyport config-ssh` as a person runs it, with a real gateway and a host behind it, and then their own ssh by the alias.

import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { spawn } from "@lydell/node-pty";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { injectStream } from "../../../protocol/ssh/ssh2/server-connection.ts";
import { CLI } from "../../../scripts/repository.ts";
import { Person } from "../../support/cli.ts";
import { TestStack } from "../../support/link.ts";

let stack: TestStack;
let person: Person;
let token: string;
let config: string;
let alias: string;
const OWN = Buffer.from(
  "# m\xfcne\r\nHost own\r\n  Port 7\r\nHost *\r\n  IdentityFile ~/.ssh/none",
  "latin1",
);

/** Lets everybody in and answers a command with its own text. */
function sshServer(hostPrivateKey: string): (stream: Duplex) => void {
  const server = new ssh2.Server({ hostKeys: [hostPrivateKey] }, (client) => {
    client.on("error", () => {}); // The client may leave as it likes.
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.write(`<${command}>`);
        channel.exit(7);
        channel.end();
      });
    });
  });
  return (stream) => injectStream(server, stream);
}

beforeEach(async () => {
  stack = await TestStack.start();
  person = new Person();
  const account = await stack.account("ada");
  token = (await stack.token(account, ["account", "connect", "host"])).token;
  const state = join(person.home, "host state");
  const identity = await loadIdentity(state);
  await stack.host({ token, name: "web", state, onStream: sshServer(identity.privateKey) });
  await person.run(["login", stack.url], token);
  mkdirSync(join(person.home, ".ssh"), { mode: 0o700 });
  config = join(person.home, ".ssh", "config");
  writeFileSync(config, OWN, { mode: 0o600 });
  alias = `web.127.0.0.1-${new URL(stack.url).port}`;
});
afterEach(async () => {
  person.close();
  await stack.close();
});

const managed = () => join(person.home, ".ssh", "sallyport", "config");

/** As an editor runs it: the alias, their file, nothing else. */
function ssh(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const key = join(person.home, "id");
  if (!existsSync(key)) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  return new Promise((done) => {
    const child = execFile(
      "ssh",
      ["-F", config, "-o", `IdentityFile=${key}`, "-o", "BatchMode=yes", "-T", ...args],
      { env: person.env },
      (error, stdout, stderr) =>
        done({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });
}

/** Runs the command with a terminal, on which `answer` is typed once it asks. */
function onTerminal(answer: string, ...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    const terminal = spawn(process.execPath, [CLI, ...args], { env: person.env, cwd: person.home });
    let output = "";
    let asked = false;
    terminal.onData((part) => {
      output += part;
      if (asked || !output.includes("[y/N]")) return;
      asked = true;
      terminal.write(`${answer}\r`);
    });
    terminal.onExit(({ exitCode }) => done({ code: exitCode, output }));
  });
}

describe("sallyport config-ssh", () => {
  test("shows the change and makes it after a yes; then plain ssh reaches the workspace by its alias", async () => {
    const done = await person.run(["config-ssh", "--yes"]);
    expect(done).toMatchObject({ code: 0, stdout: `ssh ${alias}\n` });
    expect(done.stderr).toContain("+# >>> sallyport");
    expect(done.stderr).toContain("now has 1 workspace.");
    expect(await ssh(alias, "make", "test")).toMatchObject({ code: 7, stdout: "<make test>" });
    expect(await person.run(["config-ssh"])).toMatchObject({ code: 0, stdout: `ssh ${alias}\n` });

    const gone = await person.run(["config-ssh", "--remove", "--yes"]);
    expect(gone).toMatchObject({ code: 0, stdout: "" });
    expect(gone.stderr).toContain("-# >>> sallyport");
    expect(readFileSync(config).equals(OWN)).toBe(true);
    expect(existsSync(join(person.home, ".ssh", "sallyport"))).toBe(false);
    expect((await person.run(["config-ssh", "--remove"])).stderr).toBe("There was nothing to remove.\n");
  });

  test("does not connect to a host with another key than the one that the gateway published", async () => {
    await person.run(["config-ssh", "--yes"]);
    const file = join(person.home, ".ssh", "sallyport", "known_hosts");
    const other = await loadIdentity(join(person.home, "other state"));
    writeFileSync(file, `${alias} ${other.publicKey.type} ${other.publicKey.blob}\n`);
    const refused = await ssh(alias, "true");
    expect(refused.code).toBe(255);
    expect(refused.stderr).toMatch(/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/);
    const mended = await person.run(["config-ssh"]);
    expect(mended.stderr).toContain(`the host key that the gateway publishes for ${alias} has changed`);
    expect((await ssh(alias, "true")).code).toBe(7);
  });

  test("changes nothing without a yes: not off a terminal, not by --dry-run, not after a no", async () => {
    const asked = await person.run(["config-ssh"]);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain("+Include");
    expect(asked.stderr).toContain(
      "sallyport: config: Nothing was changed: say yes on a terminal, or with --yes.",
    );
    const dry = await person.run(["config-ssh", "--dry-run"]);
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain("+Include");
    expect(dry.stdout).toContain(`Host ${alias}`);
    const no = await onTerminal("n", "config-ssh");
    expect(no.code).toBe(1);
    expect(no.output).toContain("Change the file like this? [y/N]");
    expect(readFileSync(config).equals(OWN)).toBe(true);
    expect(existsSync(managed())).toBe(false);
    expect((await onTerminal("y", "config-ssh")).code).toBe(0);
    expect(existsSync(managed())).toBe(true);
  });

  test("gives the line to copy where the file is read-only, and is content once it is there", async () => {
    chmodSync(config, 0o444);
    const done = await person.run(["config-ssh"]);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain(
      `${config} is read-only. Put this line at its very top yourself:\nInclude ${managed()}\n`,
    );
    expect(readFileSync(config).equals(OWN)).toBe(true);
    chmodSync(config, 0o600);
    writeFileSync(config, `Include ${managed()}\n`);
    chmodSync(config, 0o444);
    expect(await person.run(["config-ssh"])).toMatchObject({ code: 0 });
    expect((await ssh(alias, "true")).code).toBe(7);
  });

  test("takes another file, and says why it cannot use one", async () => {
    const file = join(person.home, "other config");
    expect((await person.run(["config-ssh", "--yes", "--file", file])).code).toBe(0);
    expect(readFileSync(file, "utf8")).toContain(`Include ${managed()}\n`);
    expect(readFileSync(config).equals(OWN)).toBe(true);
    const directory = await person.run(["config-ssh", "--yes", "--file", person.home]);
    expect(directory).toMatchObject({ code: 1, stderr: `sallyport: file: ${person.home} is not a file.\n` });
    const remove = await person.run(["config-ssh", "--remove", "--yes", "--file", file]);
    expect(remove.code).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  test("takes the shared files and the launcher away with the last file that includes them, in whichever order", async () => {
    const other = join(person.home, "other config");
    const remove = (...more: string[]) => person.run(["config-ssh", "--remove", "--yes", ...more]);
    const install = async () => {
      for (const more of [[], ["--file", other]])
        expect(await person.run(["config-ssh", "--yes", ...more])).toMatchObject({ code: 0 });
    };
    const launcher = join(person.home, ".config", "sallyport", "bin", "sallyport-tunnel");

    await install();
    const first = await remove("--file", other);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toContain(`Sallyport is out of ${other}. Its hosts stay for ${config}.\n`);
    expect(existsSync(other)).toBe(false);
    expect(await ssh(alias, "true"), "the default file still works").toMatchObject({ code: 7 });
    expect(existsSync(launcher)).toBe(true);
    expect((await remove()).stderr).toContain("Sallyport is out of your SSH configuration.");
    expect(readFileSync(config).equals(OWN)).toBe(true);
    expect([existsSync(join(person.home, ".ssh", "sallyport")), existsSync(launcher)]).toEqual([
      false,
      false,
    ]);

    await install();
    expect((await remove()).stderr).toContain(`Its hosts stay for ${other}.\n`);
    expect((await remove()).stderr).toContain(
      `Sallyport is not in ${config}. Its hosts stay for ${other}.\n`,
    );
    expect(existsSync(managed())).toBe(true);
    // A file that is gone, or has let go by itself, holds nothing back.
    rmSync(other);
    expect((await remove()).stderr).toContain("Sallyport is out of your SSH configuration.");
    expect(existsSync(join(person.home, ".ssh", "sallyport"))).toBe(false);
  });

  test("keeps the hosts of a gateway that does not answer, and says so", async () => {
    const second = await TestStack.start();
    try {
      const account = await second.account("eve");
      const { token: other } = await second.token(account, ["account", "connect", "host"]);
      await second.host({ token: other, name: "far" });
      await person.run(["login", second.url], other);
      const both = await person.run(["config-ssh", "--yes"]);
      expect(both.stdout.split("\n").filter((line) => line !== "")).toHaveLength(2);
    } finally {
      await second.close();
    }
    const one = await person.run(["config-ssh"]);
    expect(one).toMatchObject({ code: 0, stdout: `ssh ${alias}\n` });
    expect(one.stderr).toContain("Its hosts stay as they are.");
    expect(readFileSync(managed(), "utf8").match(/^Host /gm)).toHaveLength(2);
    await person.run(["logout", second.url]);
    await person.run(["config-ssh"]);
    expect(readFileSync(managed(), "utf8").match(/^Host /gm)).toHaveLength(1);
  });

  test("knows its usage", async () => {
    expect(await person.run(["config-ssh", "--transport", "pigeon"])).toMatchObject({ code: 2 });
    expect((await person.run(["config-ssh", "--transport", "direct", "--yes"])).stderr).toContain(
      "has no SSH port",
    );
    expect((await person.run(["config-ssh", "--help"])).stdout).toContain("--remove");
  });
});
