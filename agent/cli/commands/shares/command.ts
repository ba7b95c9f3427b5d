// `sallyport shares`: the workspaces that other accounts share with one's own, or offer to it, and one's word on them.

import type { SharedWithMe } from "../../../../protocol/api.ts";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { parseWorkspaceId } from "../../../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../../../protocol/values/name.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { json, table, terminalWidth } from "../../../platform/output.ts";
import { argument, GATEWAY_OPTIONS, readArguments } from "../../arguments.ts";
import { signedIn, tellTakenBack } from "../../signed-in.ts";

const help = `
Usage: sallyport shares [options]
       sallyport shares accept|decline|leave NAME.OWNER [options]

Lists the workspaces that other accounts share with you, and those that they offer. What is offered is not among your
workspaces, and is in no SSH configuration, until you accept it. Accept what you expect from somebody you know: what you do
there happens on their machine. Leaving ends your connections to it; its owner can offer it again.

Options:
  --json          print JSON: {"shares":[…]}
  --gateway URL   a gateway other than the default one (SALLYPORT_GATEWAY)

Example:
  sallyport shares accept devbox.ada
`;

const ACTIONS = {
  accept: "Accepted",
  decline: "Declined",
  leave: "Left",
} as const;

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = readArguments(args, GATEWAY_OPTIONS);
  const [action, name, ...more] = positionals;
  if (action === undefined) return await list(values, context);
  if (!isAction(action)) {
    throw new UsageError(`shares takes accept, decline or leave, not ${JSON.stringify(action)}.`);
  }
  if (name === undefined || more.length > 0) throw new UsageError(`shares ${action} takes one workspace.`);
  argument(() => parseWorkspaceRef(name));
  const { api } = await signedIn(values.gateway, context);
  const share = find(await api.sharedWithMe(), name, action);
  const id = parseWorkspaceId(share.id);
  const notWritten = await (action === "accept" ? api.acceptShare(id) : api.leaveShare(id));
  tellTakenBack(`${ACTIONS[action]} ${reference(share)}.`, notWritten, context);
  return 0;
}

async function list(
  values: { readonly gateway?: string | undefined; readonly json?: boolean | undefined },
  context: CommandContext,
): Promise<number> {
  const { api, gateway } = await signedIn(values.gateway, context);
  const shares = await api.sharedWithMe();
  if (values.json === true) context.stdout.write(json({ shares }));
  else if (shares.length === 0) context.stderr.write(`Nobody shares a workspace with you at ${gateway}.\n`);
  else context.stdout.write(shareTable(shares, context));
  return 0;
}

function shareTable(shares: readonly SharedWithMe[], context: CommandContext): string {
  const now = new Date();
  const rows = shares
    .toSorted((a, b) => Number(b.pending) - Number(a.pending) || reference(a).localeCompare(reference(b)))
    .map((share) => [
      reference(share),
      share.pending ? "offered" : "accepted",
      relativeTime(share.createdAt, now),
      share.id,
    ]);
  return table(["WORKSPACE", "STATE", "SINCE", "ID"], rows, terminalWidth(context.stdout));
}

/** An offer is declined and what was accepted is left: the other word is a slip, and nothing is done. */
function find(shares: readonly SharedWithMe[], name: string, action: keyof typeof ACTIONS): SharedWithMe {
  const share = shares.find((one) => one.id === name || reference(one) === name);
  if (share === undefined) {
    throw new CommandError(
      "workspace",
      "not_found",
      `${name} is neither shared with you nor offered to you.`,
    );
  }
  if (action === "decline" && !share.pending) {
    throw new CommandError(
      "workspace",
      "bad_request",
      `${name} is accepted already: \`sallyport shares leave ${name}\`.`,
    );
  }
  if (action === "leave" && share.pending) {
    throw new CommandError(
      "workspace",
      "bad_request",
      `${name} is not accepted: \`sallyport shares decline ${name}\`.`,
    );
  }
  return share;
}

function isAction(text: string): text is keyof typeof ACTIONS {
  return Object.hasOwn(ACTIONS, text);
}

function reference({ name, owner }: SharedWithMe): string {
  return `${name}.${owner}`;
}

export const command: Command = { help, run };
