// The only file that uses private parts of node-pty (pinned to 1.1.0, and a test checks the contract): its native binding.
// The JavaScript layer above it loses output, since it closes the terminal 200 ms after the process has ended, whether
// the output was read or not.

import { loadNativePart, spawnHelper } from "../../../platform/native-parts.ts";

interface ForkedTerminal {
  /** The terminal's master end; the caller closes it. */
  readonly fd: number;
  readonly pid: number;
}

interface PtyBinding {
  fork(options: {
    file: string;
    args: readonly string[];
    environment: Readonly<Record<string, string>>;
    cwd: string;
    columns: number;
    rows: number;
    onExit: (code: number, signal: number) => void;
  }): ForkedTerminal;
  resize(fd: number, columns: number, rows: number): void;
}

/** This platform or installation has no PTYs: sessions do without. */
export class PtyUnavailable extends Error {
  override readonly name = "PtyUnavailable";
}

let loaded: PtyBinding | undefined;

/** Loads the binding when the first PTY is asked for. @throws PtyUnavailable */
export function ptyBinding(): PtyBinding {
  loaded ??= load();
  return loaded;
}

interface NativeBinding {
  fork(
    file: string,
    args: readonly string[],
    environment: readonly string[],
    cwd: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onExit: (code: number, signal: number) => void,
  ): ForkedTerminal;
  resize(fd: number, columns: number, rows: number): void;
}

function load(): PtyBinding {
  if (process.platform === "win32") throw new PtyUnavailable("A host on Windows has no PTY yet.");
  let native: unknown;
  let helper = "unused";
  try {
    native = loadNativePart("pty");
    if (process.platform === "darwin") helper = spawnHelper();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n", 1)[0] : cause;
    throw new PtyUnavailable(`There is no PTY: node-pty's native part does not load (${why}).`, { cause });
  }
  if (!isNativeBinding(native)) {
    throw new PtyUnavailable(
      "There is no PTY: @lydell/node-pty is not the version that Sallyport was built for.",
    );
  }
  const { fork, resize } = native;
  return {
    fork: ({ file, args, environment, cwd, columns, rows, onExit }) => {
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      return fork(file, args, variables, cwd, columns, rows, -1, -1, true, helper, onExit);
    },
    resize,
  };
}

function isNativeBinding(value: unknown): value is NativeBinding {
  if (typeof value !== "object" || value === null) return false;
  return (
    "fork" in value &&
    typeof value.fork === "function" &&
    "resize" in value &&
    typeof value.resize === "function"
  );
}
