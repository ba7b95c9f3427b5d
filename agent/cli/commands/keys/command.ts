// `sallyport keys`: the account's SSH public keys, which open its workspaces.

import { homedir } from "node:os";
import { basename } from "node:path";
import type { Key, PendingKey } from "../../../../protocol/api.ts";
import type { CommandContext } from "../../../../protocol/command/command.ts";
import { commandGroup, executable, type Input } from "../../../../protocol/command/run.ts";
import { parseKeyId } from "../../../../protocol/values/id.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import type { SshPublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import type { GatewayApi } from "../../../client/gateway-api.ts";
import { nameKey, registerKey, waysToProve } from "../../../client/keys/register-key.ts";
import {
  type FoundKey,
  findRegistrableKeys,
  readPublicKeyFile,
} from "../../../client/keys/registrable-keys.ts";
import { keygenRunner } from "../../../client/keys/sign-proof.ts";
import { suggestedFirst } from "../../../client/keys/suggested-keys.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { relativeTime } from "../../../platform/duration.ts";
import { json, table, terminalWidth } from "../../../platform/output.ts";
import { thisMachine } from "../../../platform/paths.ts";
import { signedIn, tellTakenBack } from "../../signed-in.ts";
import { askChoice, isTerminal } from "../../terminal.ts";
import { definition } from "./definition.ts";

const { subcommands } = definition;
type AddOptions = Input<typeof subcommands.add>["options"];

async function list({ options }: Input<typeof subcommands.list>, context: CommandContext): Promise<number> {
  const { api } = await signedIn(options.gateway, context);
  const { keys, pending, ssh } = await ownKeys(api);
  if (options.json) context.stdout.write(json({ keys, pending }));
  else if (keys.length + pending.length === 0) {
    context.stderr.write("No keys yet: add one with `sallyport keys add`.\n");
  } else {
    const now = new Date();
    const row = ({ id, title, type, fingerprint, createdAt }: Key | PendingKey, state: string) => [
      id,
      title,
      type,
      fingerprint,
      state,
      relativeTime(createdAt, now),
    ];
    const rows = [
      // null: added before proofs were required; it works all the same.
      ...keys.map((key) => row(key, key.provedAt === null ? "unproved" : "proved")),
      ...pending.map((key) => row(key, "waits")),
    ];
    context.stdout.write(
      table(["ID", "TITLE", "TYPE", "FINGERPRINT", "STATE", "ADDED"], rows, terminalWidth(context.stdout)),
    );
    for (const key of pending) context.stderr.write(`${printable(waysToProve(key, ssh))}\n`);
  }
  return 0;
}

async function add(
  { options, operands: { file } }: Input<typeof subcommands.add>,
  context: CommandContext,
): Promise<number> {
  const given = file === undefined ? undefined : { key: readPublicKeyFile(file), from: file };
  const { api, gateway } = await signedIn(options.gateway, context);
  const { key, from } = given ?? (await chooseKey(api, context));
  // A title has at most 100 characters (protocol/api.ts). Without one, the gateway chooses it.
  const title = (options.title ?? (key.comment !== "" ? key.comment : titleFrom(from)))?.slice(0, 100);
  const wanted = { key, file: from === "ssh-agent" ? undefined : from, title };
  if (options["no-proof"]) {
    const named = await nameKey(api, wanted);
    if ("added" in named) {
      const { added, discovery } = named;
      if (options.json) context.stdout.write(json(added));
      else context.stdout.write(`${printable(waysToProve(added, discovery.ssh))}\n`);
      return 0;
    }
    report(named, options, context);
    return 0;
  }
  const terminal = isTerminal(context.stdin);
  // ssh-keygen asks for a passphrase without saying for which key.
  if (terminal)
    context.stderr.write(`Proving ${printable(from)}: ssh-keygen may ask for a passphrase or a touch.\n`);
  const run = keygenRunner({ env: context.env, signal: context.signal, terminal });
  report(await registerKey(api, gateway, wanted, run), options, context);
  return 0;
}

function report(added: Key, options: AddOptions, context: CommandContext): void {
  if (options.json) context.stdout.write(json(added));
  else context.stdout.write(`Added ${added.fingerprint} (${printable(added.title)}) as ${added.id}.\n`);
}

function titleFrom(from: string): string | undefined {
  return from === "ssh-agent" ? undefined : basename(from);
}

/** One of the person's own keys that the account does not have yet. */
async function chooseKey(api: GatewayApi, context: CommandContext): Promise<FoundKey> {
  const found = await findRegistrableKeys(thisMachine(context.env, homedir));
  if (found.length === 0) {
    throw new CommandError(
      "file",
      "no_key",
      "There is no key in ~/.ssh/id_*.pub and none in the SSH agent: make one with `ssh-keygen -t ed25519`, or name a file.",
    );
  }
  const known = new Set((await api.keys()).map(({ fingerprint }) => fingerprint));
  const fresh = suggestedFirst(found.filter(({ key }) => !known.has(key.fingerprint)));
  const [first] = fresh;
  if (first === undefined)
    throw new CommandError("file", "key_taken", "All of your keys are at the gateway already.");
  if (fresh.length === 1) return first;
  const lines = fresh.map(({ key, from }) => `${describe(key)}  ${from}`);
  if (!isTerminal(context.stdin)) {
    throw new CommandError(
      "file",
      "several_keys",
      `There are ${fresh.length} keys: name one of ${fresh.map(({ from }) => from).join(", ")} (\`sallyport keys add FILE.pub\`).`,
    );
  }
  const index = await askChoice("Which key?", lines, context.stdin, context.stderr, context.signal);
  return fresh[index] ?? first;
}

function describe({ type, fingerprint, comment }: SshPublicKey): string {
  return printable(`${type}  ${fingerprint}  ${comment}`);
}

async function remove(
  { options, operands: { key: text } }: Input<typeof subcommands.remove>,
  context: CommandContext,
): Promise<number> {
  const { api } = await signedIn(options.gateway, context);
  const id = text.startsWith("key_") ? text : await keyWithFingerprint(api, text);
  if (id === undefined)
    throw new CommandError("http", "not_found", `There is no key ${text} in this account.`);
  tellTakenBack(`Removed ${text}.`, await api.removeKey(parseKeyId(id)), context);
  return 0;
}

/** The account's keys. Older gateways have no pending ones. */
async function ownKeys(api: GatewayApi) {
  const { capabilities, ssh } = await api.discovery();
  const pending = capabilities.includes("key-proofs") ? await api.pendingKeys() : [];
  return { keys: await api.keys(), pending, ssh };
}

async function keyWithFingerprint(api: GatewayApi, wanted: string): Promise<string | undefined> {
  const { keys, pending } = await ownKeys(api);
  return [...keys, ...pending].find(({ fingerprint }) => fingerprint === wanted)?.id;
}

export const command = commandGroup(definition, {
  list: executable(subcommands.list, list),
  add: executable(subcommands.add, add),
  remove: executable(subcommands.remove, remove),
});
