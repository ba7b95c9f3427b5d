// Plays `systemctl`, `journalctl`, `loginctl`, `launchctl` and `tail` for the tests: writes down each call, and really starts and
// ends what the service's file says. FAKE is its directory, FAKE_FILE the service's file, FAKE_FAILS a word whose calls fail.

import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isProcessAlive } from "../../../agent/platform/process-alive.ts";
import { readUnit, unitWords } from "../../support/programs/systemd-unit.ts";
import { until } from "../../support/until.ts";

const { FAKE: directory = "", FAKE_FILE: file = "", FAKE_FAILS: fails = "" } = process.env;
const [program = "", ...args] = process.argv.slice(2);
const pidFile = join(directory, "pid");
const logFile = join(directory, "log");

appendFileSync(join(directory, "calls"), `${[program, ...args].join(" ")}\n`);
if (fails !== "" && args.includes(fails)) {
  process.stderr.write(`Failed to ${fails}: the test says so\n`);
  process.exit(1);
}
process.exit(await play());

async function play(): Promise<number> {
  switch (program) {
    case "systemctl":
      return await systemctl(args.filter((word) => word !== "--user"));
    case "launchctl":
      return await launchctl(args);
    case "loginctl":
      if (args[0] === "show-user") process.stdout.write("no\n");
      return 0;
    default:
      if (existsSync(logFile)) process.stdout.write(readFileSync(logFile));
      return 0;
  }
}

async function systemctl([verb]: readonly string[]): Promise<number> {
  if (verb === "--version") process.stdout.write("systemd 252 (252.38-1)\n+PAM\n");
  if (verb === "restart") {
    await end();
    const unit = readUnit(readFileSync(file, "utf8"));
    start(unit.command({}), unit.values("Environment").flatMap(unitWords));
  }
  if (verb === "disable") await end();
  if (verb === "show") {
    const pid = running();
    const ended = pid === undefined && existsSync(pidFile);
    process.stdout.write(
      pid !== undefined
        ? `ActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=${pid}\nNRestarts=0\n`
        : `ActiveState=${ended ? "activating\nSubState=auto-restart" : "inactive\nSubState=dead"}\nMainPID=0\n`,
    );
  }
  return 0;
}

async function launchctl([verb]: readonly string[]): Promise<number> {
  if (verb === "bootout") await end();
  if (verb === "bootstrap") {
    const code = "import sys,json,plistlib; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
    const plist: unknown = JSON.parse(execFileSync("python3", ["-c", code, file], { encoding: "utf8" }));
    if (typeof plist !== "object" || plist === null || !("ProgramArguments" in plist)) return 1;
    start((plist.ProgramArguments as unknown[]).map(String), []);
  }
  if (verb === "print") {
    if (args[1]?.startsWith("gui/") === true && !args[1].includes("sallyport")) return 0;
    const pid = running();
    if (pid === undefined) return 113;
    process.stdout.write(`x = {\n\tstate = running\n\tpid = ${pid}\n}\n`);
  }
  return 0;
}

function start([path = "", ...words]: readonly string[], variables: readonly string[]): void {
  const log = openSync(logFile, "a", 0o600);
  // Nothing of the caller's environment, as from a service manager.
  const own = variables.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]);
  const env = {
    ...Object.fromEntries(own),
    HOME: process.env.HOME,
    PATH: "/usr/bin:/bin",
    SALLYPORT_KEYCHAIN: "off",
  };
  const child = spawn(path, words, { detached: true, stdio: ["ignore", log, log], env, cwd: "/" });
  child.unref();
  writeFileSync(pidFile, String(child.pid));
}

function running(): number | undefined {
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, "utf8"));
  return isProcessAlive(pid) && !isZombie(pid) ? pid : undefined;
}

/** Nobody reaps it here where the test's machine has no init. */
function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function end(): Promise<void> {
  const pid = running();
  if (pid !== undefined) {
    process.kill(pid, "SIGTERM");
    await until(() => running() === undefined);
  }
  rmSync(pidFile, { force: true });
}
