// The person's configuration file: options that count where neither the command line nor the environment says otherwise.
//
//   { "options": { "gateway": "https://gateway.example", "ca": "/etc/ssl/corp.pem" },
//     "commands": { "host": { "name": "devbox" }, "gateway admin-token": { "data": "/srv/sallyport" } } }

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { type ConfigFile, ConfigFileError } from "../../protocol/command/command.ts";
import { TOKEN_PATTERN } from "../../protocol/values/token.ts";
import { errorCode } from "../platform/error-code.ts";

/** Options that mean the same to every command that has them. */
const SHARED = ["gateway", "proxy", "pac", "ca", "client-cert", "client-key"];

/** Opening a FIFO otherwise waits until somebody writes to it. Windows has no such flag. */
const DO_NOT_WAIT = constants.O_NONBLOCK ?? 0;

/**
 * undefined: there is none.
 * @param commands the names of all commands; their subcommands' are not needed
 * @throws ConfigFileError
 */
export function readConfigFile(path: string, commands: readonly string[]): ConfigFile | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | DO_NOT_WAIT);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ConfigFileError(`${path} cannot be read (${String(code)}).`, { cause: error });
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new ConfigFileError(`${path} is not a file.`);
    const { uid, mode } = stat;
    const self = process.getuid?.();
    if (self !== undefined && ((uid !== self && uid !== 0) || (mode & 0o022) !== 0)) {
      throw new ConfigFileError(
        `${path} can be changed by other users: run \`chmod go-w\` on it, or make it yours.`,
      );
    }
    return parseConfigFile(path, readFileSync(file, "utf8"), commands);
  } finally {
    closeSync(file);
  }
}

/**
 * @param known the names of all commands
 * @throws ConfigFileError with the file and the key that is wrong
 */
export function parseConfigFile(path: string, text: string, known: readonly string[]): ConfigFile {
  // People copy, show and commit such files, so no secret belongs in them.
  if (text.search(TOKEN_PATTERN) !== -1) {
    throw new ConfigFileError(
      `${path} holds a token: \`sallyport login\` and --token-file keep tokens safe.`,
    );
  }
  const { options = {}, commands = {}, ...others } = objectOf(parseJson(path, text), path);
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new ConfigFileError(`${other} in ${path} means nothing: there are "options" and "commands".`);
  }
  const shared = objectOf(options, `options in ${path}`);
  for (const name of Object.keys(shared)) {
    if (!SHARED.includes(name)) {
      throw new ConfigFileError(
        `options.${name} in ${path} is not an option of every command (${SHARED.join(", ")}): put it under "commands".`,
      );
    }
  }
  const sections: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const [name, section] of Object.entries(objectOf(commands, `commands in ${path}`))) {
    // A section that no command reads would leave out what it was to forbid.
    if (!known.includes(name.split(" ")[0] ?? "")) {
      throw new ConfigFileError(`commands.${name} in ${path}: there is no such command.`);
    }
    sections[name] = objectOf(section, `commands.${name} in ${path}`);
  }
  return { path, options: shared, commands: sections };
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigFileError(`${path} is not JSON: ${why}.`, { cause: error });
  }
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new ConfigFileError(`${what} has to be an object: {…}.`);
}
