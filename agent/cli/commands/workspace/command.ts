// `sallyport workspace host-key`: which host key a workspace is known by, and the owner's word on one that has changed.

import type { DecideHostKey, Workspace } from "../../../../protocol/api.ts";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { parseWorkspaceRef } from "../../../../protocol/values/name.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { isFingerprint, parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { json } from "../../../platform/output.ts";
import { argument, GATEWAY_OPTIONS, readArguments, positionals as take } from "../../arguments.ts";
import { signedIn } from "../../signed-in.ts";

const help = `
Usage: sallyport workspace host-key WORKSPACE [--accept FINGERPRINT | --decline FINGERPRINT]

Shows the host keys that a workspace is known by, and those of hosts which came under its name with a different one. Such
a host is not let in, and nobody is brought to it, until you accept its key. Compare the fingerprint with what the host
itself prints: a key that you do not expect may be somebody else's machine.

Options:
  --accept FINGERPRINT    the host with this key takes the workspace over when it comes next, within seconds if it waits
  --decline FINGERPRINT   the host with this key is turned away
  --json                  print JSON
  --gateway URL           a gateway other than the default one (SALLYPORT_GATEWAY)

Example:
  sallyport workspace host-key devbox --accept SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
`;

const OPTIONS = { ...GATEWAY_OPTIONS, accept: { type: "string" }, decline: { type: "string" } } as const;

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS);
  const [action, ...rest] = positionals;
  if (action === undefined) throw new UsageError("workspace needs to know what to do: host-key.");
  if (action !== "host-key") throw new UsageError(`workspace does not know ${JSON.stringify(action)}.`);
  const [text] = take(rest, "WORKSPACE");
  const ref = argument(() => parseWorkspaceRef(text));
  const decided = decision(values.accept, values.decline);
  const { api } = await signedIn(values.gateway, context);
  const workspace = decided === undefined ? await api.workspace(ref) : await api.decideHostKey(ref, decided);
  if (values.json === true) {
    const { id, name, hostKeys, heldHostKeys = [] } = workspace;
    context.stdout.write(json({ id, name, hostKeys, heldHostKeys }));
  } else if (decided === undefined) {
    context.stdout.write(hostKeys(workspace));
  } else {
    const { fingerprint } = decided;
    context.stderr.write(
      decided.decision === "accept"
        ? `Accepted ${fingerprint}: its host takes ${workspace.name} over when it comes next. Clients that know the former key will say that it has changed.\n`
        : `Declined ${fingerprint}: its host is turned away.\n`,
    );
  }
  return 0;
}

/** @throws UsageError */
function decision(accept: string | undefined, decline: string | undefined): DecideHostKey | undefined {
  if (accept !== undefined && decline !== undefined) {
    throw new UsageError("--accept and --decline exclude each other.");
  }
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

export const command: Command = { help, run };
