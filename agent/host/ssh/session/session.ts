// One `session` channel (RFC 4254 §6): takes what the client asks for in advance (variables, a terminal), then starts a
// shell, a command or SFTP, and ends with it. It answers as sshd does wherever a client could tell the difference.
//
// How a session starts: session-task.ts decides what runs, and session-environment.ts with which variables.
// pipe-process.ts or pty-process.ts starts it, with a few lines of shell in front (../prelude/prelude.ts), and
// attach-process.ts joins the process and the channel until both have ended.

import { accessSync, constants } from "node:fs";
import { basename } from "node:path";
import type { Channel } from "../../../../protocol/ssh/channel.ts";
import { MAX_PACKET_BYTES } from "../../../../protocol/ssh/ssh2/large-packets.ts";
import type { WireReader } from "../../../../protocol/ssh/wire.ts";
import { errorCode } from "../../../platform/error-code.ts";
import type { Log } from "../../../platform/log.ts";
import type { PipeStock } from "../prelude/anonymous-pipes.ts";
import { afterPrelude } from "../prelude/prelude.ts";
import type { KeyPermissions } from "../sign-in/key-grant.ts";
import { withOwnHome } from "./ansible-home.ts";
import { tooLongFor } from "./argument-limits.ts";
import { attachProcess } from "./attach-process.ts";
import { EnvironmentRequests } from "./environment-requests.ts";
import { startWithPipes } from "./pipe-process.ts";
import { checkPty, startOnPty, type Terminal } from "./pty-process.ts";
import { type SessionFacts, sessionEnvironment } from "./session-environment.ts";
import type { ProcessSpec, SessionProcess } from "./session-process.ts";
import { type Asked, sessionTask } from "./session-task.ts";
import type { ShellUser } from "./shell-user.ts";
import { signalFromClient, signalGroup } from "./signals.ts";
import { sttyWords } from "./terminal-modes.ts";

export interface SessionContext {
  readonly user: ShellUser;
  /** The SSH user name: the workspace's, as a rule. */
  readonly signedInAs: string;
  /** Where sessions start. undefined: in the home directory. */
  readonly cwd: string | undefined;
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
  /** See ProcessSpec. */
  readonly openFiles: number | undefined;
  readonly client: SessionFacts["client"];
  readonly server: SessionFacts["server"];
  readonly permissions: KeyPermissions;
  readonly log: Log;
  readonly pipes: PipeStock;
  /** Path of the connection's agent socket, which is made on the first call; undefined: it cannot be made. */
  forwardAgent(): string | undefined;
  /** Path of the connection's agent socket; undefined: no session has asked for one. */
  agentSocket(): string | undefined;
  serveSftp(channel: Channel, options: SessionSftpOptions): void;
}

interface SessionSftpOptions {
  readonly cwd: string;
  readonly readOnly: boolean;
  readonly person: { readonly home: string; readonly signedInAs: string };
  readonly signal: AbortSignal;
}

/** The longest command or variable that is read, in bytes: what fits into one packet. The system may take less. */
const MAX_TEXT_BYTES = MAX_PACKET_BYTES;
/** Signals and the like that may wait for a process that is still being started. */
const MAX_WAITING = 16;

type ProcessAction = (process: SessionProcess) => void;

type State =
  | { readonly kind: "preparing" }
  | { readonly kind: "starting"; readonly waiting: ProcessAction[] }
  | { readonly kind: "running"; readonly process: SessionProcess }
  /** The process is over or did not start, or SFTP has the channel. */
  | { readonly kind: "done" };

/** Serves the channel until it is closed. */
export function serveSession(channel: Channel, context: SessionContext): void {
  const { log, permissions } = context;
  const environment = new EnvironmentRequests(permissions.command !== undefined);
  let state: State = { kind: "preparing" };
  let terminal: (Terminal & { readonly term: string }) | undefined;
  /** Why there is no terminal, though the client asked for one. */
  let noTerminal: string | undefined;
  /** Signals keep their order. */
  let delivery = Promise.resolve();

  channel.onRequest = (type, data) => {
    switch (type) {
      case "env":
        return environment.add(data.text(MAX_TEXT_BYTES), data.text(MAX_TEXT_BYTES));
      case "pty-req":
        return requestTerminal(data);
      case "window-change":
        return changeWindow(data);
      case "auth-agent-req@openssh.com":
        return permissions.agentForwarding && context.forwardAgent() !== undefined;
      case "shell":
        return start({ kind: "shell" });
      case "exec":
        return start({ kind: "exec", command: data.text(MAX_TEXT_BYTES) });
      case "subsystem":
        return data.text(128) === "sftp" && start({ kind: "sftp" });
      case "signal":
        return signal(data.text(64));
      case "eow@openssh.com":
        // The client's reader has gone (OpenSSH PROTOCOL §2.1): a process that writes on gets SIGPIPE.
        return toProcess(({ output }) => output.destroy());
      default:
        return false;
    }
  };

  function requestTerminal(data: WireReader): boolean {
    const term = data.text(256);
    const [columns, rows] = [data.uint32(), data.uint32()];
    // Width and height in pixels.
    data.uint32();
    data.uint32();
    const modes = data.string();
    if (!permissions.pty || terminal !== undefined || state.kind !== "preparing") return false;
    try {
      checkPty(context.user.shell);
    } catch (error) {
      noTerminal = error instanceof Error ? error.message : String(error);
      log.warn(noTerminal);
      return false;
    }
    terminal = { term, columns, rows, modes: sttyWords(modes) };
    return true;
  }

  function changeWindow(data: WireReader): boolean {
    if (terminal === undefined) return false;
    terminal.columns = data.uint32();
    terminal.rows = data.uint32();
    if (state.kind === "running") state.process.resize(terminal.columns, terminal.rows);
    return true;
  }

  /** Refused where the key's `command=` decides what runs, as sshd does. */
  function signal(name: string): boolean {
    const known = signalFromClient(name);
    if (known === undefined || permissions.command !== undefined) return false;
    return toProcess(({ pid }) => {
      delivery = delivery
        .then(() => afterPrelude(pid))
        .then(() => {
          if (state.kind === "running") signalGroup(pid, known);
        });
    });
  }

  /** Acts on the process now, or as soon as it has started. False: none will start, or too much waits for it already. */
  function toProcess(action: ProcessAction): boolean {
    if (state.kind === "running") {
      action(state.process);
      return true;
    }
    if (state.kind !== "starting" || state.waiting.length >= MAX_WAITING) return false;
    state.waiting.push(action);
    return true;
  }

  function start(asked: Asked): boolean {
    if (state.kind !== "preparing") return false;
    const task = sessionTask(asked, permissions.command);
    switch (task.kind) {
      case "unsupported":
        log.warn(`refused a session: command="${permissions.command}" has options that are not supported`);
        return false;
      case "sftp":
        state = { kind: "done" };
        log.info("sftp started");
        startSftp(task.readOnly);
        return true;
      case "process": {
        state = { kind: "starting", waiting: [] };
        const what = task.command === undefined ? "shell" : "command";
        log.info(`${what} started${terminal === undefined ? "" : " on a PTY"}`);
        startProcess(task.command, task.originalCommand, state.waiting).catch((error: unknown) => {
          // A bug in one session must not end the others.
          log.error(`a session failed: ${error instanceof Error ? error.message : String(error)}`);
          channel.destroy();
        });
        return true;
      }
    }
  }

  function startSftp(readOnly: boolean): void {
    const ended = new AbortController();
    channel.once("gone", () => ended.abort());
    channel.once("finish", () => {
      channel.exit(0);
      channel.destroy();
    });
    channel.once("close", () => ended.abort());
    const person = { home: context.user.home, signedInAs: context.signedInAs };
    context.serveSftp(channel, { cwd: workingDirectory().path, readOnly, person, signal: ended.signal });
  }

  async function startProcess(
    command: string | undefined,
    originalCommand: string | undefined,
    waiting: ProcessAction[],
  ): Promise<void> {
    const { shell } = context.user;
    const cwd = workingDirectory();
    if (cwd.problem !== undefined) channel.stderr.write(`${cwd.problem}\n`);
    // ssh itself only says that the request failed.
    if (noTerminal !== undefined) channel.stderr.write(`sallyport: ${noTerminal}\n`);
    const spec = processSpec(command, originalCommand, cwd.path);
    const tooLong = environment.tooMuch ?? tooLongFor(spec);
    if (tooLong !== undefined) return fail(`${shell}: Argument list too long: ${tooLong}`, 1);
    let process: SessionProcess;
    try {
      accessSync(spec.file, constants.X_OK);
      process =
        terminal === undefined ? await startWithPipes(spec, context.pipes) : startOnPty(spec, terminal);
    } catch (error) {
      if (errorCode(error) === "E2BIG") {
        return fail(`${shell}: Argument list too long`, 1);
      }
      const reason = error instanceof Error ? error.message : String(error);
      log.error(`${shell} does not start: ${reason}`);
      return fail(`sallyport: ${shell} does not start: ${reason}`, 127);
    }
    state = { kind: "running", process };
    for (const action of waiting) action(process);
    await attachProcess(process, channel);
    state = { kind: "done" };
  }

  function processSpec(
    command: string | undefined,
    originalCommand: string | undefined,
    cwd: string,
  ): ProcessSpec {
    const { user } = context;
    const name = basename(user.shell);
    return {
      file: user.shell,
      // A name that begins with a dash makes a login shell.
      argv0: command === undefined ? `-${name}` : name,
      args: command === undefined ? [] : ["-c", withOwnHome(command, context.signedInAs)],
      cwd,
      openFiles: context.openFiles,
      environment: sessionEnvironment(context.hostEnvironment, environment.variables, user, {
        client: context.client,
        server: context.server,
        originalCommand,
        agentSocket: context.agentSocket(),
        term: terminal?.term,
      }),
    };
  }

  async function fail(reason: string, status: number): Promise<void> {
    state = { kind: "done" };
    channel.stderr.write(`${reason}\n`);
    await channel.flushed();
    channel.exit(status);
    channel.close();
  }

  function workingDirectory(): { path: string; problem: string | undefined } {
    const wanted = context.cwd ?? context.user.home;
    try {
      accessSync(wanted, constants.X_OK);
      return { path: wanted, problem: undefined };
    } catch {
      return { path: "/", problem: `Could not chdir to home directory ${wanted}: No such file or directory` };
    }
  }
}
