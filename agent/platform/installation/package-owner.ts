// Asks the system's package managers which of them installed a file. Such a file is theirs to replace: their database holds its
// checksum, and their next upgrade would take a foreign one away.

import { execFile } from "node:child_process";
import { CommandError } from "../command-error.ts";
import { errorCode } from "../error-code.ts";

export type PackageManager = "dpkg" | "rpm" | "apk" | "homebrew";

export interface PackageOwner {
  readonly manager: PackageManager;
  /** The name of the package. */
  readonly package: string;
}

interface Question {
  readonly manager: PackageManager;
  readonly program: string;
  arguments(path: string): readonly string[];
  /** The name of the package in the answer. */
  readonly answer: RegExp;
}

const QUESTIONS: readonly Question[] = [
  {
    manager: "dpkg",
    program: "dpkg-query",
    // It takes patterns, so what is special in them is escaped.
    arguments: (path) => ["--search", path.replace(/[\\*?[\]]/g, "\\$&")],
    answer: /^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?: \//m,
  },
  {
    manager: "rpm",
    program: "rpm",
    arguments: (path) => ["--query", "--queryformat", "%{NAME}\\n", "--file", path],
    answer: /^([A-Za-z0-9][A-Za-z0-9+._-]*)$/m,
  },
  {
    manager: "apk",
    program: "apk",
    arguments: (path) => ["info", "--who-owns", path],
    answer: / is owned by ([a-z0-9][a-z0-9+._-]*)-\d[^-]*-r\d+$/m,
  },
];

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * undefined: no package manager of this machine knows the file.
 * @param path absolute and without links, as they record it
 * @throws CommandError stage `file`, code `owner_unknown`: one of them does not answer
 */
export async function packageOwner(path: string, signal: AbortSignal): Promise<PackageOwner | undefined> {
  const brewed = /\/(?:Cellar|Caskroom)\/([^/]+)\//.exec(path)?.[1];
  if (brewed !== undefined) return { manager: "homebrew", package: brewed };
  const owners = await Promise.all(QUESTIONS.map((question) => ask(question, path, signal)));
  return owners.find((owner) => owner !== undefined);
}

function ask(question: Question, path: string, signal: AbortSignal): Promise<PackageOwner | undefined> {
  const options = {
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
    maxBuffer: MAX_ANSWER_BYTES,
    env: { ...process.env, LC_ALL: "C" },
    signal,
  } as const;
  return new Promise((resolve, reject) => {
    execFile(question.program, [...question.arguments(path)], options, (error, stdout) => {
      if (signal.aborted) reject(signal.reason);
      else if (error === null) {
        const name = question.answer.exec(stdout)?.[1];
        resolve(name === undefined ? undefined : { manager: question.manager, package: name });
      } else if (typeof error.code === "number" || errorCode(error) === "ENOENT") {
        // It does not know the file, or it is not on this machine.
        resolve(undefined);
      } else {
        reject(
          new CommandError(
            "file",
            "owner_unknown",
            `${question.program} does not say whether ${path} belongs to a package: try again once it answers.`,
            { cause: error },
          ),
        );
      }
    });
  });
}
