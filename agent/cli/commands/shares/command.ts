// `sallyport shares`: lists the workspaces that other accounts share or offer, and accepts, declines or leaves them.

import type { SharedWithMe } from "../../../../protocol/api.ts";
import type { CommandContext } from "../../../../protocol/command/command.ts";
import { commandGroup, executable, type Input } from "../../../../protocol/command/run.ts";
import { parseWorkspaceId } from "../../../../protocol/values/id.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { json, table, terminalWidth } from "../../../platform/output.ts";
import { signedIn, tellTakenBack } from "../../signed-in.ts";
import { definition } from "./definition.ts";

const ACTIONS = {
  accept: "Accepted",
  decline: "Declined",
  leave: "Left",
} as const;

function answer(action: keyof typeof ACTIONS) {
  type Answer = Input<(typeof definition)["subcommands"][typeof action]>;
  return async ({ options, operands }: Answer, context: CommandContext): Promise<number> => {
    const { api } = await signedIn(options.gateway, context);
    const share = find(await api.sharedWithMe(), operands.share, action);
    const id = parseWorkspaceId(share.id);
    const notWritten = await (action === "accept" ? api.acceptShare(id) : api.leaveShare(id));
    tellTakenBack(`${ACTIONS[action]} ${reference(share)}.`, notWritten, context);
    return 0;
  };
}

async function list({ options }: Input<typeof definition>, context: CommandContext): Promise<number> {
  const { api, gateway } = await signedIn(options.gateway, context);
  const shares = await api.sharedWithMe();
  if (options.json) context.stdout.write(json({ shares }));
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

/** One declines an offer and leaves an accepted workspace; with the wrong word, nothing is done. */
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

function reference({ name, owner }: SharedWithMe): string {
  return `${name}.${owner}`;
}

const { accept, decline, leave } = definition.subcommands;

export const command = commandGroup(
  definition,
  {
    accept: executable(accept, answer("accept")),
    decline: executable(decline, answer("decline")),
    leave: executable(leave, answer("leave")),
  },
  list,
);
