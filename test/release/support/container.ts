// A throw-away container without an engine: a copy of a root directory (roots.ts) with its own mounts and processes, in which
// commands run as any user. It shares the machine's loopback, unless it is to have no network.
//
//   await using container = await Container.start("alpine", { readOnly: true });
//   const { code, stdout, stderr } = await container.run(["sh", "-c", "id -u"], { uid: 12345 });

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import { type RootName, rootDirectory } from "./roots.ts";

interface Mount {
  /** Where it is seen inside, absolute; made if it is not there. */
  readonly at: string;
  /** A file or directory of the machine; missing: an empty tmpfs that everyone may write to. */
  readonly from?: string;
  /** Of mount(8), such as `ro` or `noexec,ro`. */
  readonly options?: string;
}

export interface ContainerOptions {
  /** Everything except /tmp, /dev and the mounts. */
  readonly readOnly?: boolean;
  /** Made in this order, above /tmp and /dev/shm, which are tmpfs. */
  readonly mounts?: readonly Mount[];
  /** false: nothing but a loopback that is down. */
  readonly network?: boolean;
}

export interface RunOptions {
  /** User and group; 0 if missing. Needs no entry in /etc/passwd. */
  readonly uid?: number;
  /** All that the command gets, besides PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to its stdin, which then ends. */
  readonly input?: string | Uint8Array;
}

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. End it with `signal`: its process is not the child that this machine sees. */
export interface Running {
  readonly child: ChildProcess;
  signal(signal: NodeJS.Signals): void;
  readonly result: Promise<RunResult>;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];

export class Container implements AsyncDisposable {
  readonly #directory: string;
  readonly #keeper: ChildProcess;
  /** Process 1 of the container. */
  readonly #init: number;
  readonly #network: boolean;

  private constructor(directory: string, keeper: ChildProcess, init: number, network: boolean) {
    this.#directory = directory;
    this.#keeper = keeper;
    this.#init = init;
    this.#network = network;
  }

  static async start(root: RootName, options: ContainerOptions = {}): Promise<Container> {
    const pristine = await rootDirectory(root);
    const directory = await mkdtemp(join(tmpdir(), "sallyport-container-"));
    const { network = true } = options;
    // It lives as long as its stdin: it ends with this process, however that ends, and its mounts with it.
    const keeper = spawn(
      "unshare",
      [
        "--mount",
        "--pid",
        "--fork",
        ...(network ? [] : ["--net"]),
        "sh",
        "-ec",
        setUp(pristine, directory, options),
      ],
      { stdio: ["pipe", "pipe", "inherit"], env: { PATH } },
    );
    const ready = await Promise.race([once(keeper.stdout, "data"), once(keeper, "exit")]);
    if (typeof ready[0] === "number") throw new Error(`The container ${directory} cannot be set up.`);
    return new Container(directory, keeper, childOf(keeper.pid), network);
  }

  /** The same file or directory as seen by this machine: to read and write what is inside. */
  outside(path: string): string {
    return `/proc/${this.#init}/root${join(rootOf(this.#directory), path)}`;
  }

  async run(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return await this.start(command, options).result;
  }

  /** The command line on this machine that runs `command` inside, with the caller's environment. */
  words(command: readonly string[], uid = 0): [string, ...string[]] {
    return [
      "/usr/bin/nsenter",
      "--mount",
      "--pid",
      ...(this.#network ? [] : ["--net"]),
      `--target=${this.#init}`,
      "--",
      "/usr/sbin/chroot",
      `--userspec=${uid}:${uid}`,
      "--groups=",
      rootOf(this.#directory),
      ...command,
    ];
  }

  start(command: readonly string[], { uid = 0, env = {}, input }: RunOptions = {}): Running {
    const [program, ...args] = this.words(command, uid);
    const child = spawn(program, args, { env: { PATH, ...env } });
    child.stdin.on("error", () => undefined); // It need not read what it is given.
    child.stdin.end(input);
    return {
      child,
      signal: (signal) => process.kill(childOf(child.pid), signal),
      result: resultOf(child),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#keeper.exitCode === null && this.#keeper.signalCode === null) {
      const ended = once(this.#keeper, "exit");
      this.#keeper.stdin?.end();
      await ended;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function resultOf(child: ReturnType<typeof spawn>): Promise<RunResult> {
  const [stdout, stderr, code] = await Promise.all([
    child.stdout === null ? "" : text(child.stdout),
    child.stderr === null ? "" : text(child.stderr),
    once(child, "close").then(([code]: (number | null)[]) => code ?? null),
  ]);
  return { code, stdout, stderr };
}

/** `unshare` and `nsenter` wait for the one process that they started. @throws Error it has not been started yet, or has ended */
function childOf(pid: number | undefined): number {
  const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
  if (child > 0) return child;
  throw new Error("The command is not running.");
}

function rootOf(directory: string): string {
  return join(directory, "root");
}

/** The script that makes the mounts, says so, and then waits for the end of its stdin. */
function setUp(pristine: string, directory: string, { readOnly, mounts = [] }: ContainerOptions): string {
  const root = rootOf(directory);
  const inside = (path: string): string => quoteForShell(join(root, path));
  const [upper, work] = [join(directory, "upper"), join(directory, "work")];
  return [
    `mkdir -p ${root} ${upper} ${work}`,
    // Some file systems cannot be the upper layer, such as another overlay.
    `mount -t overlay overlay -o lowerdir=${quoteForShell(pristine)},upperdir=${upper},workdir=${work} ${root} 2>/dev/null ||`,
    `  { cp -a ${quoteForShell(pristine)}/. ${root}; mount --bind ${root} ${root}; }`,
    `mount -t proc proc ${inside("/proc")}`,
    `mount -t tmpfs -o mode=755 tmpfs ${inside("/dev")}`,
    ...DEVICES.map(
      (name) => `: >${inside(`/dev/${name}`)}; mount --bind /dev/${name} ${inside(`/dev/${name}`)}`,
    ),
    `ln -s /proc/self/fd ${inside("/dev/fd")}; ln -s pts/ptmx ${inside("/dev/ptmx")}`,
    `mkdir ${inside("/dev/pts")} ${inside("/dev/shm")}`,
    `mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts ${inside("/dev/pts")}`,
    ...["/dev/shm", "/tmp"].map((at) => `mount -t tmpfs -o mode=1777 tmpfs ${inside(at)}`),
    ...mounts.flatMap(({ at, from, options }) => {
      const [to, more] = [inside(at), options === undefined ? "" : `,${options}`];
      if (from === undefined) {
        return [`mkdir -p ${to}`, `mount -t tmpfs -o mode=1777${more} tmpfs ${to}`];
      }
      const source = quoteForShell(from);
      return [
        `if [ -d ${source} ]; then mkdir -p ${to}; else mkdir -p "$(dirname ${to})"; [ -e ${to} ] || : >${to}; fi`,
        `mount --bind ${source} ${to}`,
        ...(options === undefined ? [] : [`mount -o remount,bind${more} ${to}`]),
      ];
    }),
    ...(readOnly === true ? [`mount -o remount,bind,ro ${root}`] : []),
    "echo",
    // The shell stays, as process 1: while it waits, it reaps what daemons leave behind.
    "cat || exit; exit",
  ].join("\n");
}
