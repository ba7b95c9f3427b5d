// `sallyport workspace host-key`: shows a workspace's host keys, and lets its owner accept or decline a changed one.

import type { DecideHostKey, Workspace } from "../../../../protocol/api.ts";
import { type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { commandGroup, executable, type Input } from "../../../../protocol/command/run.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { isFingerprint, parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { json } from "../../../platform/output.ts";
import { signedIn } from "../../signed-in.ts";
import { definition } from "./definition.ts";

const hostKeyDefinition = definition.subcommands["host-key"];

async function hostKey(
  { options, operands }: Input<typeof hostKeyDefinition>,
  context: CommandContext,
): Promise<number> {
  const ref = operands.workspace;
  const decided = decision(options.accept, options.decline);
  const { api } = await signedIn(options.gateway, context);
  const workspace = decided === undefined ? await api.workspace(ref) : await api.decideHostKey(ref, decided);
  if (options.json) {
    const { id, name, hostKeys, heldHostKeys = [] } = workspace;
    context.stdout.write(json({ id, name, hostKeys, heldHostKeys }));
  } else if (decided === undefined) {
    context.stdout.write(hostKeys(workspace));
  } else {
    const { fingerprint } = decided;
    context.stderr.write(
      decided.decision === "accept"
        ? `Accepted ${fingerprint}: its host takes ${workspace.name} over the next time it registers. Clients that know the old key will say that it has changed.\n`
        : `Declined ${fingerprint}: its host is turned away.\n`,
    );
  }
  return 0;
}

/** @throws UsageError */
function decision(accept: string | undefined, decline: string | undefined): DecideHostKey | undefined {
  const fingerprint = accept ?? decline;
  if (fingerprint === undefined) return undefined;
  if (!isFingerprint(fingerprint)) {
    throw new UsageError(
      `${JSON.stringify(fingerprint)} is not a fingerprint: SHA256: and 43 characters, as ssh-keygen -l prints it.`,
    );
  }
  return { fingerprint, decision: accept === undefined ? "decline" : "accept" };
}

function hostKeys({ name, hostKeys: lines, heldHostKeys = [] }: Workspace): string {
  const now = new Date();
  const known = lines.map((line) => {
    const { type, fingerprint } = parsePublicKey(line);
    return `known    ${fingerprint}  ${type}`;
  });
  const waiting = heldHostKeys.map(
    ({ fingerprint, since, address }) =>
      `waiting  ${fingerprint}  ${relativeTime(since, now)} from ${printable(address)}`,
  );
  const advice =
    heldHostKeys.length === 0
      ? []
      : [
          `If one is what its host prints itself: sallyport workspace host-key ${name} --accept FINGERPRINT; if not, --decline`,
        ];
  return [...known, ...waiting, ...advice].map((line) => `${line}\n`).join("");
}

export const command = commandGroup(definition, { "host-key": executable(hostKeyDefinition, hostKey) });
