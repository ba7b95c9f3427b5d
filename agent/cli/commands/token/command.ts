// `sallyport token`: access tokens of the account, and owner tokens of its workspaces. A new token goes to stdout alone, so
// that it can be piped; what is said about it goes to stderr.

import {
  type AccessTokenInfo,
  DEFAULT_OWNER_TOKEN_SECONDS,
  SCOPES,
  type Scope,
} from "../../../../protocol/api.ts";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { parseTokenId } from "../../../../protocol/values/id.ts";
import { parseName, parseWorkspaceRef } from "../../../../protocol/values/name.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { parseDuration, relativeTime } from "../../../platform/duration.ts";
import { json, table, terminalWidth } from "../../../platform/output.ts";
import { argument, GATEWAY_OPTIONS, readArguments, positionals as take } from "../../arguments.ts";
import { signedIn, tellTakenBack } from "../../signed-in.ts";

const help = `
Usage: sallyport token create --title TEXT --scope SCOPE… [--expires 30d | --expires never]
                              [--workspace NAME | --reusable]
       sallyport token list
       sallyport token revoke ID
       sallyport token owner WORKSPACE [--expires 12h]
       sallyport token owner-list WORKSPACE
       sallyport token owner-revoke WORKSPACE ID

An access token (spt_…) proves your account; an owner token (spo_…) opens one workspace, without an account. A new
token is printed once, alone on standard output; the gateway keeps only its hash. A token that another one has made ends
with it: at the latest when that one expires or is revoked.

A token with the scope host alone is for one workspace: the one that --workspace names, or else the first that it
registers. With --reusable it registers any workspace of your account.

Options:
  --title TEXT      what the token is for
  --scope SCOPE     ${SCOPES.join(", ")}; repeat it, or separate by commas
  --workspace NAME  the workspace that a host's token is for; it need not exist yet
  --reusable        a host's token for any number of workspaces
  --expires TIME    such as 12h or 30d (default: 30d; owner tokens: 12h)
  --json            print JSON
  --gateway URL     a gateway other than the default one (SALLYPORT_GATEWAY)

Examples:
  sallyport token create --title "build machine" --scope host --workspace build --expires 90d > token
  sallyport token owner my-workspace --expires 2h
`;

const OPTIONS = {
  ...GATEWAY_OPTIONS,
  title: { type: "string" },
  scope: { type: "string", multiple: true },
  expires: { type: "string" },
  workspace: { type: "string" },
  reusable: { type: "boolean" },
} as const;

type Values = ReturnType<typeof read>["values"];
const read = (args: readonly string[]) => readArguments(args, OPTIONS);

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = read(args);
  const [action, ...rest] = positionals;
  switch (action) {
    case "create":
      take(rest);
      return create(values, context);
    case "list":
      take(rest);
      return list(values, context);
    case "revoke":
      return revoke(take(rest, "The token's ID"), values, context);
    case "owner":
      return createOwner(take(rest, "WORKSPACE"), values, context);
    case "owner-list":
      return listOwner(take(rest, "WORKSPACE"), values, context);
    case "owner-revoke":
      return revokeOwner(take(rest, "WORKSPACE", "The token's ID"), values, context);
    case undefined:
      throw new UsageError(
        "token needs to know what to do: create, list, revoke, owner, owner-list or owner-revoke.",
      );
    default:
      throw new UsageError(`token does not know ${JSON.stringify(action)}.`);
  }
}

async function create(values: Values, context: CommandContext): Promise<number> {
  if (values.title === undefined || values.title.trim() === "") {
    throw new UsageError("--title says what the token is for.");
  }
  const scopes = parseScopes(values.scope ?? []);
  const expiresIn = values.expires === "never" ? null : parseDuration(values.expires ?? "30d", "--expires");
  const { workspace: text, reusable } = values;
  const workspace = text === undefined ? undefined : argument(() => parseName(text, "--workspace"));
  if (workspace !== undefined && reusable === true) {
    throw new UsageError("--workspace and --reusable exclude each other.");
  }
  const { api } = await signedIn(values.gateway, context);
  const created = await api.createToken({
    title: values.title,
    scopes,
    expiresIn,
    // Said only where they are asked for: a gateway of before does not know them.
    ...(workspace === undefined ? {} : { workspace }),
    ...(reusable === true ? { reusable } : {}),
  });
  if (values.json === true) context.stdout.write(json(created));
  else {
    const { id, expiresAt } = created.info;
    const sooner = isSooner(created.info, expiresIn) ? ", as the token that you are signed in with" : "";
    context.stderr.write(
      `Access token ${id} for ${scopes.join(", ")}${registers(created.info)}, expires ${expiry(expiresAt)}${sooner}. It is shown only now:\n`,
    );
    context.stdout.write(`${created.token}\n`);
  }
  return 0;
}

async function list(values: Values, context: CommandContext): Promise<number> {
  const { api } = await signedIn(values.gateway, context);
  const tokens = await api.tokens();
  if (values.json === true) context.stdout.write(json({ tokens }));
  else {
    const rows = tokens.map(({ id, title, scopes, expiresAt, lastUsedAt, ...more }) => [
      id,
      title,
      scopes.join(","),
      more.workspace ?? (more.reusable === true ? "any" : ""),
      expiry(expiresAt),
      lastUse(lastUsedAt),
      more.parentId ?? "",
    ]);
    const headings = ["ID", "TITLE", "SCOPES", "WORKSPACE", "EXPIRES", "LAST USED", "MADE BY"];
    context.stdout.write(table(headings, rows, terminalWidth(context.stdout)));
  }
  return 0;
}

async function revoke([text]: readonly [string], values: Values, context: CommandContext): Promise<number> {
  const id = argument(() => parseTokenId(text, "The token's ID"));
  const { api } = await signedIn(values.gateway, context);
  tellTakenBack(`Revoked ${id}.`, await api.revokeToken(id), context);
  return 0;
}

async function createOwner(
  [text]: readonly [string],
  values: Values,
  context: CommandContext,
): Promise<number> {
  const workspace = argument(() => parseWorkspaceRef(text));
  const expiresIn =
    values.expires === undefined ? DEFAULT_OWNER_TOKEN_SECONDS : parseDuration(values.expires, "--expires");
  const { api } = await signedIn(values.gateway, context);
  const created = await api.createOwnerToken(workspace, expiresIn);
  if (values.json === true) context.stdout.write(json(created));
  else {
    context.stderr.write(
      `Owner token ${created.info.id}: whoever has it can open ${printable(text)}; it expires ${expiry(created.info.expiresAt)}.\n`,
    );
    context.stdout.write(`${created.token}\n`);
  }
  return 0;
}

async function listOwner(
  [text]: readonly [string],
  values: Values,
  context: CommandContext,
): Promise<number> {
  const workspace = argument(() => parseWorkspaceRef(text));
  const { api } = await signedIn(values.gateway, context);
  const tokens = await api.ownerTokens(workspace);
  if (values.json === true) context.stdout.write(json({ tokens }));
  else {
    const rows = tokens.map(({ id, expiresAt, lastUsedAt }) => [id, expiry(expiresAt), lastUse(lastUsedAt)]);
    context.stdout.write(table(["ID", "EXPIRES", "LAST USED"], rows, terminalWidth(context.stdout)));
  }
  return 0;
}

async function revokeOwner(
  [text, idText]: readonly [string, string],
  values: Values,
  context: CommandContext,
): Promise<number> {
  const workspace = argument(() => parseWorkspaceRef(text));
  const id = argument(() => parseTokenId(idText, "The token's ID"));
  const { api } = await signedIn(values.gateway, context);
  tellTakenBack(`Revoked ${id}.`, await api.revokeOwnerToken(workspace, id), context);
  return 0;
}

function parseScopes(given: readonly string[]): Scope[] {
  const words = given.flatMap((text) => text.split(",")).map((word) => word.trim());
  const scopes = words.map((word) => {
    const scope = SCOPES.find((known) => known === word);
    if (scope === undefined)
      throw new UsageError(`${JSON.stringify(word)} is no scope: ${SCOPES.join(", ")}.`);
    return scope;
  });
  if (scopes.length === 0) throw new UsageError(`--scope says what the token may do: ${SCOPES.join(", ")}.`);
  return [...new Set(scopes)];
}

/** Of a host's token: which workspaces. */
function registers({ workspace, reusable }: AccessTokenInfo): string {
  if (workspace !== undefined) return ` of the workspace ${workspace}`;
  return reusable === true ? " of any workspace" : "";
}

/** Than was asked for: the token that made it expires. */
function isSooner({ createdAt, expiresAt }: AccessTokenInfo, expiresIn: number | null): boolean {
  if (expiresAt === null) return false;
  return expiresIn === null || Date.parse(expiresAt) - Date.parse(createdAt) < expiresIn * 1000;
}

function expiry(time: string | null): string {
  return time === null ? "never" : relativeTime(time, new Date());
}

function lastUse(time: string | null): string {
  return time === null ? "never" : relativeTime(time, new Date());
}

export const command: Command = { help, run };
