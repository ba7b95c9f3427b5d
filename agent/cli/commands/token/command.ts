// `sallyport token`: access tokens of the account, and owner tokens of its workspaces. A new token goes to stdout alone, so
// that it can be piped; what is said about it goes to stderr.

import { type AccessTokenInfo, TOKEN_SCOPES } from "../../../../protocol/api.ts";
import { type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { commandGroup, executable, type Input } from "../../../../protocol/command/run.ts";
import { formatWorkspaceRef } from "../../../../protocol/values/name.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { json, table, terminalWidth } from "../../../platform/output.ts";
import { signedIn, tellTakenBack } from "../../signed-in.ts";
import { definition } from "./definition.ts";

const { subcommands } = definition;

async function create(
  { options }: Input<typeof subcommands.create>,
  context: CommandContext,
): Promise<number> {
  const { title, workspace, reusable, expires: expiresIn } = options;
  if (title === undefined || title.trim() === "") throw new UsageError("--title says what the token is for.");
  const scopes = [...new Set(options.scope)];
  if (scopes.length === 0)
    throw new UsageError(`--scope says what the token may do: ${TOKEN_SCOPES.join(", ")}.`);
  const { api } = await signedIn(options.gateway, context);
  const created = await api.createToken({
    title,
    scopes,
    expiresIn,
    // Sent only if asked for: older gateways do not know them.
    ...(workspace === undefined ? {} : { workspace }),
    ...(reusable ? { reusable } : {}),
  });
  if (options.json) context.stdout.write(json(created));
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

async function list({ options }: Input<typeof subcommands.list>, context: CommandContext): Promise<number> {
  const { api } = await signedIn(options.gateway, context);
  const tokens = await api.tokens();
  if (options.json) context.stdout.write(json({ tokens }));
  else {
    const rows = tokens.map(({ id, title, scopes, expiresAt, lastUsedAt, ...more }) => [
      id,
      title,
      more.scim === true ? "scim" : scopes.join(","),
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

async function revoke(
  { options, operands: { id } }: Input<typeof subcommands.revoke>,
  context: CommandContext,
): Promise<number> {
  const { api } = await signedIn(options.gateway, context);
  tellTakenBack(`Revoked ${id}.`, await api.revokeToken(id), context);
  return 0;
}

async function createOwner(
  { options, operands: { workspace } }: Input<typeof subcommands.owner>,
  context: CommandContext,
): Promise<number> {
  const { api } = await signedIn(options.gateway, context);
  const created = await api.createOwnerToken(workspace, options.expires);
  if (options.json) context.stdout.write(json(created));
  else {
    context.stderr.write(
      `Owner token ${created.info.id}: anyone who has it can open ${printable(formatWorkspaceRef(workspace))}; it expires ${expiry(created.info.expiresAt)}.\n`,
    );
    context.stdout.write(`${created.token}\n`);
  }
  return 0;
}

async function listOwner(
  { options, operands: { workspace } }: Input<(typeof subcommands)["owner-list"]>,
  context: CommandContext,
): Promise<number> {
  const { api } = await signedIn(options.gateway, context);
  const tokens = await api.ownerTokens(workspace);
  if (options.json) context.stdout.write(json({ tokens }));
  else {
    const rows = tokens.map(({ id, expiresAt, lastUsedAt }) => [id, expiry(expiresAt), lastUse(lastUsedAt)]);
    context.stdout.write(table(["ID", "EXPIRES", "LAST USED"], rows, terminalWidth(context.stdout)));
  }
  return 0;
}

async function revokeOwner(
  { options, operands: { workspace, id } }: Input<(typeof subcommands)["owner-revoke"]>,
  context: CommandContext,
): Promise<number> {
  const { api } = await signedIn(options.gateway, context);
  tellTakenBack(`Revoked ${id}.`, await api.revokeOwnerToken(workspace, id), context);
  return 0;
}

/** Which workspaces a host's token registers. */
function registers({ workspace, reusable }: AccessTokenInfo): string {
  if (workspace !== undefined) return ` of the workspace ${workspace}`;
  return reusable === true ? " of any workspace" : "";
}

/** Whether a token expires sooner than was asked for, because the token that made it does. */
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

export const command = commandGroup(definition, {
  create: executable(subcommands.create, create),
  list: executable(subcommands.list, list),
  revoke: executable(subcommands.revoke, revoke),
  owner: executable(subcommands.owner, createOwner),
  "owner-list": executable(subcommands["owner-list"], listOwner),
  "owner-revoke": executable(subcommands["owner-revoke"], revokeOwner),
});
