// One `session` channel (RFC 4254 §6): what the client asks for before it starts something, then a shell, a command or
// a subsystem until it ends. Answers as sshd does, where that can be seen from outside.

import { accessSync, constants } from "node:fs";
import { basename } from "node:path";
import type { Channel } from "../../../../protocol/ssh/channel.ts";
import { MAX_PACKET_BYTES } from "../../../../protocol/ssh/ssh2/large-packets.ts";
import type { WireReader } from "../../../../protocol/ssh/wire.ts";
import type { Log } from "../../../platform/log.ts";
import type { PipeStock } from "../prelude/anonymous-pipes.ts";
import { afterPrelude } from "../prelude/prelude.ts";
import type { KeyPermissions } from "../sign-in/key-grant.ts";
import { tooLongFor } from "./argument-limits.ts";
import { withHome } from "./own-home.ts";
import { startWithPipes } from "./pipe-process.ts";
import { signalGroup } from "./process-group.ts";
import { checkPty, startOnPty, type Terminal } from "./pty-process.ts";
import { runProcess } from "./run-process.ts";
import type { SessionProcess } from "./session-process.ts";
import {
  EnvironmentRequests,
  type SessionFacts,
  type ShellUser,
  sessionEnvironment,
} from "./shell-environment.ts";
import { signalFromClient } from "./signals.ts";
import { sttyWords } from "./terminal-modes.ts";

export interface SessionContext {
  readonly user: ShellUser;
  /** The SSH user name: the workspace's, as a rule. */
  readonly signedInAs: string;
  /** Where sessions start; the home directory where undefined. */
  readonly cwd: string | undefined;
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
  /** See ProcessSpec. */
  readonly openFiles: number | undefined;
  readonly client: SessionFacts["client"];
  readonly server: SessionFacts["server"];
  readonly permissions: KeyPermissions;
  readonly log: Log;
  readonly pipes: PipeStock;
  /** Path of the connection's agent socket, made now if need be; undefined: refused. */
  forwardAgent(): string | undefined;
  agentSocket(): string | undefined;
  serveSftp(channel: Channel, options: SessionSftpOptions): void;
}

export interface SessionSftpOptions {
  readonly cwd: string;
  readonly readOnly: boolean;
  readonly person: { readonly home: string; readonly signedInAs: string };
  readonly signal: AbortSignal;
}

/** Of a command or a variable, in bytes: as much as one packet holds. What the system does not take, it says when it starts. */
const ANY_LENGTH = MAX_PACKET_BYTES;

/** Signals that may wait for a process. */
const MAX_EARLY = 16;

type Start =
  | { readonly kind: "shell" }
  | { readonly kind: "exec"; readonly command: string }
  | { readonly kind: "sftp" };

export function serveSession(channel: Channel, context: SessionContext): void {
  const { log, permissions } = context;
  const environment = new EnvironmentRequests(permissions.command !== undefined);
  let terminal: (Terminal & { readonly term: string }) | undefined;
  /** Why there is none, though it was asked for. */
  let noTerminal: string | undefined;
  let state: "preparing" | "started" | "ended" = "preparing";
  let running: SessionProcess | undefined;
  /** What is meant for the process and comes before there is one. */
  const early: ((process: SessionProcess) => void)[] = [];
  /** Signals keep their order. */
  let delivery = Promise.resolve();

  channel.onRequest = (type, data) => {
    switch (type) {
      case "env":
        return environment.add(data.text(ANY_LENGTH), data.text(ANY_LENGTH));
      case "pty-req":
        return requestTerminal(data);
      case "window-change":
        return changeWindow(data);
      case "auth-agent-req@openssh.com":
        return permissions.agentForwarding && context.forwardAgent() !== undefined;
      case "shell":
        return start({ kind: "shell" });
      case "exec":
        return start({ kind: "exec", command: data.text(ANY_LENGTH) });
      case "subsystem":
        return data.text(128) === "sftp" && start({ kind: "sftp" });
      case "signal":
        return signal(data.text(64));
      case "eow@openssh.com":
        // The client's reader has gone (OpenSSH PROTOCOL §2.1): whoever writes on gets SIGPIPE.
        return toProcess(({ output }) => output.destroy());
      default:
        return false;
    }
  };

  function requestTerminal(data: WireReader): boolean {
    const term = data.text(256);
    const [columns, rows] = [data.uint32(), data.uint32()];
    data.uint32();
    data.uint32();
    const modes = data.string();
    if (!permissions.pty || terminal !== undefined || state !== "preparing") return false;
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
    running?.resize(terminal.columns, terminal.rows);
    return true;
  }

  /** sshd refuses it likewise where the key decides what runs. */
  function signal(name: string): boolean {
    const known = signalFromClient(name);
    if (known === undefined || permissions.command !== undefined) return false;
    return toProcess(({ pid }) => {
      delivery = delivery
        .then(() => afterPrelude(pid))
        .then(() => {
          if (running !== undefined) signalGroup(pid, known);
        });
    });
  }

  /** Now, or as soon as it exists. False: there is none and will be none. */
  function toProcess(action: (process: SessionProcess) => void): boolean {
    if (running !== undefined) action(running);
    else if (state !== "started" || early.length >= MAX_EARLY) return false;
    else early.push(action);
    return true;
  }

  function start(asked: Start): boolean {
    if (state !== "preparing") return false;
    const forced = permissions.command;
    const sftp =
      forced === undefined ? (asked.kind === "sftp" ? { readOnly: false } : undefined) : forcedSftp(forced);
    if (sftp === "unsupported") {
      log.warn(`refused a session: command="${forced}" has options that are not supported`);
      return false;
    }
    if (sftp !== undefined) {
      state = "ended";
      log.info("sftp started");
      startSftp(sftp.readOnly);
    } else {
      state = "started";
      const command = forced ?? (asked.kind === "exec" ? asked.command : undefined);
      log.info(`${command === undefined ? "shell" : "command"} started${terminal ? " on a PTY" : ""}`);
      startProcess(command, forced === undefined ? undefined : originalCommand(asked)).catch(
        (error: unknown) => {
          // One session's trouble is nobody else's.
          log.error(`a session failed: ${error instanceof Error ? error.message : String(error)}`);
          channel.destroy();
        },
      );
    }
    return true;
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

  async function startProcess(command: string | undefined, original: string | undefined): Promise<void> {
    const { user } = context;
    const cwd = workingDirectory();
    if (cwd.problem !== undefined) channel.stderr.write(`${cwd.problem}\n`);
    // ssh itself says no more than that the request has failed.
    if (noTerminal !== undefined) channel.stderr.write(`sallyport: ${noTerminal}\n`);
    const name = basename(user.shell);
    const spec = {
      file: user.shell,
      argv0: command === undefined ? `-${name}` : name,
      args: command === undefined ? [] : ["-c", withHome(command, context.signedInAs)],
      cwd: cwd.path,
      openFiles: context.openFiles,
      environment: sessionEnvironment(context.hostEnvironment, environment.variables, user, {
        client: context.client,
        server: context.server,
        originalCommand: original,
        agentSocket: context.agentSocket(),
        term: terminal?.term,
      }),
    };
    const tooLong = environment.tooMuch ?? tooLongFor(spec);
    if (tooLong !== undefined) return fail(`${user.shell}: Argument list too long: ${tooLong}`, 1);
    try {
      accessSync(spec.file, constants.X_OK);
      running =
        terminal === undefined ? await startWithPipes(spec, context.pipes) : startOnPty(spec, terminal);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "E2BIG") {
        return fail(`${user.shell}: Argument list too long`, 1);
      }
      const reason = error instanceof Error ? error.message : String(error);
      log.error(`${user.shell} does not start: ${reason}`);
      return fail(`sallyport: ${user.shell} does not start: ${reason}`, 127);
    }
    for (const action of early.splice(0)) action(running);
    await runProcess(running, channel);
    state = "ended";
    running = undefined;
  }

  async function fail(reason: string, status: number): Promise<void> {
    state = "ended";
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

/** `command="internal-sftp"`, with -R for reading only, is our own SFTP server; it knows no other option. */
function forcedSftp(command: string): { readOnly: boolean } | undefined | "unsupported" {
  const [program, ...options] = command.trim().split(/\s+/);
  if (program !== "internal-sftp") return undefined;
  return options.every((option) => option === "-R") ? { readOnly: options.length > 0 } : "unsupported";
}

/** SSH_ORIGINAL_COMMAND as sshd sets it: nothing for a shell. */
function originalCommand(asked: Start): string | undefined {
  if (asked.kind === "exec") return asked.command;
  return asked.kind === "sftp" ? "internal-sftp" : undefined;
}
