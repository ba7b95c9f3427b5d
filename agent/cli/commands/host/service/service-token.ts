// Where a service's host gets its token: a file that only the service's account can read, or a sign-in that it finds by itself.

import { readFileSync, type Stats, statSync } from "node:fs";
import { quoteForShell } from "../../../../../protocol/values/shell-word.ts";
import { parseAccessToken } from "../../../../../protocol/values/token.ts";
import type { ServiceAccount } from "../../../../host/service/service-account.ts";
import { CommandError } from "../../../../platform/command-error.ts";
import { readAccessToken } from "../../../../platform/credentials/store.ts";
import { errorCode } from "../../../../platform/error-code.ts";
import type { Machine } from "../../../../platform/paths.ts";
import type { HostOptions } from "../options.ts";

const MAX_BYTES = 4096;

/**
 * @param handsOver the service manager can give root's file to the service of a different account
 * @throws CommandError stage `file`: loose_mode, foreign_owner, bad_token, a code of the system
 */
export function checkTokenFile(
  path: string,
  { uid, name }: ServiceAccount,
  handsOver: boolean,
): "its own" | "handed over" {
  const file = quoteForShell(path);
  const { text, stat } = readFile(path);
  if ((stat.mode & 0o077) !== 0) {
    throw new CommandError(
      "file",
      "loose_mode",
      `${path} is open to other users: run \`chmod 600 ${file}\`.`,
    );
  }
  const isHandedOver = stat.uid === 0 && uid !== 0 && handsOver;
  if (stat.uid !== uid && !isHandedOver) {
    throw new CommandError(
      "file",
      "foreign_owner",
      `${path} belongs to the user with the id ${stat.uid}, so the service could not read it: run \`chown ${name} ${file}\`.`,
    );
  }
  try {
    parseAccessToken(text.trim());
  } catch (cause) {
    const message = `${path} does not hold an access token: write one into it, with the scope \`host\`.`;
    throw new CommandError("file", "bad_token", message, { cause });
  }
  return isHandedOver ? "handed over" : "its own";
}

function readFile(path: string): { text: string; stat: Stats } {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > MAX_BYTES) {
      throw new CommandError("file", "bad_token", `${path} is not a file with an access token.`);
    }
    return { text: readFileSync(path, "utf8"), stat };
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    const code = errorCode(cause) ?? "EFAILED";
    throw new CommandError("file", code, `The token file ${path} cannot be read (${code}).`, { cause });
  }
}

/**
 * Checks that the service will find a sign-in, or needs none. Returns sentences for the person.
 * @throws CommandError stage `sign-in`: token_in_environment, unauthenticated
 */
export async function signInOfService(
  { gateway, authorizedKeys, anyone }: HostOptions,
  account: ServiceAccount,
  env: Machine["env"],
): Promise<readonly string[]> {
  const variable = ["SALLYPORT_TOKEN", "SALLYPORT_TOKEN_FILE"].find((name) => (env[name] ?? "") !== "");
  if (variable !== undefined) {
    throw new CommandError(
      "sign-in",
      "token_in_environment",
      `A service does not see ${variable}: put the token into a file (chmod 600) and pass --token-file FILE.`,
    );
  }
  const found = account.isSelf
    ? await readAccessToken(gateway, { env: { ...env, SALLYPORT_ALLOW_PLAIN_HTTP: "1" } })
    : undefined;
  if (found?.source === "keychain") {
    return [
      "The token is in your keychain, which a service can read only while that is unlocked: with --token-file the host starts without you.",
    ];
  }
  if (found !== undefined || authorizedKeys.length > 0 || anyone) return [];
  throw new CommandError(
    "sign-in",
    "unauthenticated",
    account.isSelf
      ? `You are not signed in at ${gateway}: pass --token-file FILE, or run \`sallyport login ${gateway}\`.`
      : `The service of ${account.name} needs a token: pass --token-file FILE.`,
  );
}
