// `sallyport keys`: the account's SSH public keys, which open its workspaces.

import { homedir } from "node:os";
import { basename } from "node:path";
import type { Key, PendingKey } from "../../../../protocol/api.ts";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
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
import { argument, GATEWAY_OPTIONS, readArguments, positionals as take } from "../../arguments.ts";
import { signedIn, tellTakenBack } from "../../signed-in.ts";
import { askChoice, isTerminal } from "../../terminal.ts";

const help = `
Usage: sallyport keys list
       sallyport keys add [FILE.pub] [--title TEXT] [--no-proof]
       sallyport keys remove ID|FINGERPRINT

The SSH public keys of your account. Whoever holds the private half of one can log in to your workspaces. Without a file,
\`keys add\` looks for ~/.ssh/id_*.pub and asks the SSH agent.

A key opens nothing until its private half has signed: \`keys add\` has ssh-keygen do so, which may ask for a passphrase or a
touch. A key that is on a different machine you add with --no-proof; it is proved there by an ssh command and a code, which
are shown.

Options:
  --title TEXT    a name for the key (default: its comment)
  --no-proof      only name the key: its private half is not here
  --json          print JSON
  --gateway URL   a gateway other than the default one (SALLYPORT_GATEWAY)

Example:
  sallyport keys add ~/.ssh/id_ed25519.pub
`;

const OPTIONS = { ...GATEWAY_OPTIONS, title: { type: "string" }, "no-proof": { type: "boolean" } } as const;
type Values = ReturnType<typeof read>["values"];
const read = (args: readonly string[]) => readArguments(args, OPTIONS);

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = read(args);
  const [action, ...rest] = positionals;
  switch (action) {
    case "list":
      take(rest);
      return list(values, context);
    case "add":
      if (rest.length > 1) throw new UsageError("keys add takes one file.");
      return add(rest[0], values, context);
    case "remove":
      return remove(take(rest, "The key's ID or fingerprint"), values, context);
    case undefined:
      throw new UsageError("keys needs to know what to do: list, add or remove.");
    default:
      throw new UsageError(`keys does not know ${JSON.stringify(action)}.`);
  }
}

async function list(values: Values, context: CommandContext): Promise<number> {
  const { api } = await signedIn(values.gateway, context);
  const { keys, pending, ssh } = await ownKeys(api);
  if (values.json === true) context.stdout.write(json({ keys, pending }));
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
      // null: from before proofs were asked for; it counts all the same.
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

async function add(file: string | undefined, values: Values, context: CommandContext): Promise<number> {
  const given = file === undefined ? undefined : { key: readPublicKeyFile(file), from: file };
  const { api, gateway } = await signedIn(values.gateway, context);
  const { key, from } = given ?? (await chooseKey(api, context));
  // A title is at most 100 characters (protocol/api.ts); the gateway chooses one where there is none.
  const title = (values.title ?? (key.comment !== "" ? key.comment : titleFrom(from)))?.slice(0, 100);
  const wanted = { key, file: from === "ssh-agent" ? undefined : from, title };
  if (values["no-proof"] === true) {
    const named = await nameKey(api, wanted);
    if ("added" in named) {
      const { added, discovery } = named;
      if (values.json === true) context.stdout.write(json(added));
      else context.stdout.write(`${printable(waysToProve(added, discovery.ssh))}\n`);
      return 0;
    }
    report(named, values, context);
    return 0;
  }
  const terminal = isTerminal(context.stdin);
  // ssh-keygen asks for "passphrase", and does not say whose.
  if (terminal)
    context.stderr.write(`Proving ${printable(from)}: ssh-keygen may ask for a passphrase or a touch.\n`);
  const run = keygenRunner({ env: context.env, signal: context.signal, terminal });
  report(await registerKey(api, gateway, wanted, run), values, context);
  return 0;
}

function report(added: Key, values: Values, context: CommandContext): void {
  if (values.json === true) context.stdout.write(json(added));
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

async function remove([text]: readonly [string], values: Values, context: CommandContext): Promise<number> {
  const isId = text.startsWith("key_");
  if (!isId && !text.startsWith("SHA256:"))
    throw new UsageError("A key is given by its ID (key_…) or SHA256:… fingerprint.");
  if (isId) argument(() => parseKeyId(text));
  const { api } = await signedIn(values.gateway, context);
  const id = isId ? text : await keyWithFingerprint(api, text);
  if (id === undefined)
    throw new CommandError("http", "not_found", `There is no key ${text} in this account.`);
  tellTakenBack(`Removed ${text}.`, await api.removeKey(parseKeyId(id)), context);
  return 0;
}

/** A gateway of before has none that wait. */
async function ownKeys(api: GatewayApi) {
  const { capabilities, ssh } = await api.discovery();
  const pending = capabilities.includes("key-proofs") ? await api.pendingKeys() : [];
  return { keys: await api.keys(), pending, ssh };
}

async function keyWithFingerprint(api: GatewayApi, wanted: string): Promise<string | undefined> {
  const { keys, pending } = await ownKeys(api);
  return [...keys, ...pending].find(({ fingerprint }) => fingerprint === wanted)?.id;
}

export const command: Command = { help, run };
