// `sallyport list`: prints the workspaces that an account can reach, once or whenever they change.

import type { Workspace, WorkspaceEvent } from "../../../../protocol/api.ts";
import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { readWorkspaceEvents } from "../../../client/workspaces/workspace-events.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { json, table, terminalWidth } from "../../../platform/output.ts";
import { signedIn } from "../../signed-in.ts";
import { definition } from "./definition.ts";

async function run({ options }: Input<typeof definition>, context: CommandContext): Promise<number> {
  const { api, gateway } = await signedIn(options.gateway, context);
  if (options.watch) {
    for await (const event of readWorkspaceEvents(await api.events(), context.signal)) {
      context.stdout.write(options.json ? json(event) : describe(event, context));
    }
    return context.signal.aborted ? 0 : 1;
  }
  const workspaces = await api.workspaces();
  if (options.json) context.stdout.write(json({ workspaces }));
  else if (workspaces.length > 0) {
    context.stdout.write(workspaceTable(workspaces, context));
    for (const { name, heldHostKeys } of workspaces) {
      if (heldHostKeys === undefined) continue;
      context.stderr.write(
        `A host tried to register as ${name} with a different host key: see \`sallyport workspace host-key ${name}\`.\n`,
      );
    }
  } else
    context.stderr.write(`No workspaces at ${gateway}: start one with \`sallyport host\` where you work.\n`);
  return 0;
}

function workspaceTable(workspaces: readonly Workspace[], context: CommandContext): string {
  const now = new Date();
  const rows = workspaces
    .toSorted((a, b) => Number(b.online) - Number(a.online) || a.name.localeCompare(b.name))
    .map((workspace) => [
      reference(workspace),
      state(workspace),
      workspace.mine ? "you" : workspace.owner,
      String(workspace.clients),
      workspace.online
        ? "now"
        : workspace.lastSeenAt === null
          ? "never"
          : relativeTime(workspace.lastSeenAt, now),
      workspace.id,
    ]);
  const headings = ["WORKSPACE", "STATE", "OWNER", "CLIENTS", "LAST SEEN", "ID"];
  return table(headings, rows, terminalWidth(context.stdout));
}

function describe(event: WorkspaceEvent, context: CommandContext): string {
  switch (event.type) {
    case "snapshot":
      return workspaceTable(event.workspaces, context);
    case "workspace": {
      const { online, clients } = event.workspace;
      const held = event.workspace.heldHostKeys === undefined ? "" : ", a new host key waits";
      return `${clock()}  ${reference(event.workspace)}  ${online ? `online, ${clients} connected` : "offline"}${held}\n`;
    }
    case "offers":
      return event.offers
        .map(({ name, owner }) => `${clock()}  ${name}.${owner}  offered to you: sallyport shares\n`)
        .join("");
    case "workspace-removed":
      return `${clock()}  ${event.id}  removed\n`;
  }
}

/** A host with a changed key waits for its owner, who is told wherever the workspace is listed. */
function state({ online, heldHostKeys }: Workspace): string {
  const word = online ? "online" : "offline";
  return heldHostKeys === undefined ? word : `${word}, new host key`;
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}

/** The name that other commands take. */
function reference(workspace: Workspace): string {
  return workspace.mine ? workspace.name : `${workspace.name}.${workspace.owner}`;
}

export const command = executable(definition, run);
