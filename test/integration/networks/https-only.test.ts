// A gateway on a platform that passes on HTTPS and nothing else (Heroku and its kind): started by the line of deploy/heroku/Procfile
// on the port in $PORT, without an SSH port, behind a router that ends TLS, speaks HTTP/1.1 and cuts connections on which
// nothing moves. Host and person are real programs that know the router's address alone.

import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CLI, ROOT } from "../../../scripts/repository.ts";
import { Person, type Running } from "../../support/cli.ts";
import { LONG } from "../../support/long.ts";
import { freePort } from "../../support/loopback.ts";
import { Authority } from "./certificates.ts";
import { missing, Programs } from "./programs.ts";

/** Longer than the 20 s between two pings, as a platform's 55 s are. */
const IDLE_SECONDS = 24;

let programs: Programs;
let person: Person;
let port: number;
let url: string;
let gateway: Running;
let host: Running;
let config: string;
let authority: Authority;
let alias: string;

/** One process of the platform: it runs the line of the Procfile in a shell. */
function startGateway(): Running {
  const line = /^web: (.*)$/m.exec(readFileSync(join(ROOT, "deploy/heroku/Procfile"), "utf8"))?.[1] ?? "";
  return person.startOther("sh", ["-c", line], {
    PATH: `${join(person.home, "bin")}:${person.env.PATH}`,
    PORT: String(port),
    SALLYPORT_PUBLIC_URL: url,
    SALLYPORT_TRUST_PROXY: "loopback",
    SALLYPORT_OPEN: "true",
    SALLYPORT_DATA: join(person.home, "data"),
  });
}

function run(program: string, args: readonly string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    const child = execFile(program, args, { env: person.env }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end();
  });
}

interface Report {
  readonly transport: string;
  readonly stages: readonly { readonly id: string; readonly status: string; readonly detail: string }[];
}

/** The status of the router's answer. */
function throughRouter(path: string): Promise<number | undefined> {
  return new Promise((done, fail) => {
    get(`${url}${path}`, { ca: readFileSync(authority.file), agent: false }, (response) => {
      response.resume();
      done(response.statusCode);
    }).on("error", fail);
  });
}

const publicKey = () => join(person.home, ".ssh", "id_ed25519.pub");

beforeAll(async () => {
  if (missing("nginx") !== undefined) return;
  programs = new Programs();
  person = new Person();
  authority = new Authority(programs.directory, "Platform");
  port = await freePort();
  const options = { idleSeconds: IDLE_SECONDS, forwarded: true };
  const router = await programs.nginx(port, authority.sign(["localhost"]), options);
  url = `https://localhost:${router.port}`;
  person.env.SALLYPORT_CA = authority.file;

  mkdirSync(join(person.home, "bin"));
  const program = join(person.home, "bin", "sallyport");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`);
  chmodSync(program, 0o755);
  gateway = startGateway();
  await gateway.seen("shown this once: spt_");
  const token = (
    await person.run(["gateway", "admin-token"], "", { SALLYPORT_DATA: join(person.home, "data") })
  ).stdout.trim();

  mkdirSync(join(person.home, ".ssh"), { mode: 0o700 });
  config = join(person.home, ".ssh", "config");
  execFileSync("ssh-keygen", [
    "-q",
    "-t",
    "ed25519",
    "-N",
    "",
    "-f",
    join(person.home, ".ssh", "id_ed25519"),
  ]);
  expect(await person.run(["login", url], token)).toMatchObject({ code: 0 });
  expect(await person.run(["keys", "add", publicKey()])).toMatchObject({
    code: 0,
  });
  const tokenFile = join(person.home, "token");
  writeFileSync(tokenFile, token, { mode: 0o600 });
  host = person.start(["host", "--gateway", url, "--name", "dev", "--token-file", tokenFile]);
  await host.seen("dev");
  writeFileSync(
    config,
    `Host *\n  IdentityFile ${join(person.home, ".ssh", "id_ed25519")}\n  BatchMode yes\n`,
    { mode: 0o600 },
  );
  const configured = await person.run(["config-ssh", "--yes"]);
  expect(configured).toMatchObject({ code: 0 });
  alias = configured.stdout.trim().replace(/^ssh /, "");
});

afterAll(async () => {
  person?.close();
  await programs?.close();
});

const absent = missing("nginx");

test("clients learn that there is no SSH port, and the doctor looks at the tunnel alone", async ({
  skip,
}) => {
  skip(absent !== undefined, absent);
  expect(await person.run(["known-hosts", url])).toMatchObject({
    code: 1,
    stderr: `sallyport: ssh: ${url} serves no SSH: reach it with \`sallyport ssh\`.\n`,
  });
  const settings = await run("ssh", ["-G", "-F", config, alias]);
  expect(settings.stdout).toMatch(/^proxycommand .*sallyport-tunnel/m);
  expect(settings.stdout).not.toMatch(/^proxyjump/m);
  const report = await person.run(["doctor", "--json", "dev", "--ssh-config", config]);
  expect(report).toMatchObject({ code: 0, stderr: "" });
  const { transport, stages }: Report = JSON.parse(report.stdout);
  expect(transport).toBe("tunnel");
  const of = (id: string) => stages.find((stage) => stage.id === id);
  // No time is spent on a port that does not exist.
  expect(of("ssh-port")).toMatchObject({
    status: "skipped",
    detail: "The gateway has no SSH port: connections use the tunnel over HTTPS.",
  });
  for (const id of ["websocket", "key", "exec", "forward"]) expect(of(id)?.status, id).toBe("ok");
});

test("ssh, scp both ways and `sallyport ssh` reach the workspace", async ({ skip }) => {
  skip(absent !== undefined, absent);
  const bytes = randomBytes(2_000_000);
  const place = (name: string) => join(person.home, name);
  const [from, there, back] = [place("from"), place("there"), place("back")];
  writeFileSync(from, bytes);
  expect(await run("ssh", ["-F", config, alias, "echo", "by ssh"])).toMatchObject({
    code: 0,
    stdout: "by ssh\n",
  });
  expect(await run("scp", ["-F", config, from, `${alias}:${there}`])).toMatchObject({ code: 0 });
  expect(await run("scp", ["-F", config, `${alias}:${there}`, back])).toMatchObject({ code: 0 });
  expect(readFileSync(back).equals(bytes)).toBe(true);
  const own = await person.run(["ssh", "-F", config, "dev", "echo", "by sallyport ssh"]);
  expect(own).toMatchObject({ code: 0, stdout: "by sallyport ssh\n" });
});

test("a session outlives the router's idle cut-off", LONG, async ({ skip }) => {
  skip(absent !== undefined, absent);
  const command = `sleep ${2.5 * IDLE_SECONDS}; echo still there`;
  expect(await run("ssh", ["-F", config, alias, command])).toMatchObject({
    code: 0,
    stdout: "still there\n",
  });
});

test("a restart ends in good order within a platform's grace, and sessions go on after it", async ({
  skip,
}) => {
  skip(absent !== undefined, absent);
  const session = person.startOther("ssh", ["-F", config, alias, "echo begun; read line; echo got $line"]);
  await session.seen("begun");
  const started = performance.now();
  gateway.child.kill("SIGTERM");
  expect(await gateway.finished).toMatchObject({ code: 0, signal: null });
  expect(performance.now() - started).toBeLessThan(30_000);
  await host.seen("is down (the gateway is about to stop); trying again");
  // Meanwhile the router answers, with a page of its own.
  expect(await throughRouter("/readyz")).toBe(502);
  gateway = startGateway();
  await gateway.seen("The gateway is ready");
  session.child.stdin?.end("a line\n");
  expect(await session.finished).toMatchObject({ code: 0, stdout: "begun\ngot a line\n", stderr: "" });
  expect(await throughRouter("/readyz")).toBe(200);
});

test("a workspace without an account prints where it is to be found when the platform has thrown the disk away", async ({
  skip,
}) => {
  skip(absent !== undefined, absent);
  const options = ["--open", "--state", join(person.home, "open"), "--authorized-keys", publicKey()];
  const open = person.start(["host", "--gateway", url, "--name", "open", ...options]);
  let said = "";
  open.child.stdout?.on("data", (part: string) => {
    said += part;
  });
  const commands = () =>
    [...said.matchAll(/^ {2}sallyport (ssh --gateway .*)$/gm)].map(([, command]) => command);
  // Somebody who has no account there.
  const stranger = { SALLYPORT_CONFIG: join(person.home, "stranger") };
  const connect = (command = "") => {
    const line = `exec '${process.execPath}' '${CLI}' ${command} -F '${config}' echo hello`;
    return person.startOther("sh", ["-c", line], stranger).finished;
  };
  await expect.poll(commands).toHaveLength(1);
  expect(await connect(commands()[0])).toMatchObject({ code: 0, stdout: "hello\n" });
  gateway.child.kill("SIGTERM");
  await gateway.finished;
  rmSync(join(person.home, "data"), { recursive: true });
  gateway = startGateway();
  await expect.poll(commands).toHaveLength(2);
  await open.seen("warn: the gateway has forgotten this workspace and made a new one");
  expect(await connect(commands()[1])).toMatchObject({ code: 0, stdout: "hello\n" });
});
