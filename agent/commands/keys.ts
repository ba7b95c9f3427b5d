// `sallyport keys`: the account's SSH public keys, which open its workspaces.

import { homedir } from "node:os";
import { basename } from "node:path";
import { parseKeyId } from "../../protocol/id.ts";
import type { SshPublicKey } from "../../protocol/ssh-public-key.ts";
import { signedIn } from "../account-session.ts";
import { argument, GATEWAY_OPTIONS, readArguments, positionals as take } from "../arguments.ts";
import { type Command, type CommandContext, CommandError, UsageError } from "../command.ts";
import { relativeTime } from "../duration.ts";
import type { GatewayApi } from "../gateway-api.ts";
import { json, printable, table, terminalWidth } from "../output.ts";
import { thisMachine } from "../paths.ts";
import { suggestedFirst } from "../ssh/keys/suggested-keys.ts";
import { type FoundKey, findPublicKeys, readPublicKeyFile } from "../ssh/public-keys.ts";
import { askChoice, isTerminal } from "../terminal.ts";

const help = `
Usage: sallyport keys list
       sallyport keys add [FILE.pub] [--title TEXT]
       sallyport keys remove ID|FINGERPRINT

The SSH public keys of your account. Whoever holds the private half of one can log in to your workspaces. Without a file,
\`keys add\` looks for ~/.ssh/id_*.pub and asks the SSH agent.

Options:
  --title TEXT    a name for the key (default: its comment)
  --json          print JSON
  --gateway URL   another gateway than the default one (SALLYPORT_GATEWAY)

Example:
  sallyport keys add ~/.ssh/id_ed25519.pub
`;

const OPTIONS = { ...GATEWAY_OPTIONS, title: { type: "string" } } as const;
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
  const keys = await api.keys();
  if (values.json === true) context.stdout.write(json({ keys }));
  else if (keys.length === 0) context.stderr.write("No keys yet: add one with `sallyport keys add`.\n");
  else {
    const now = new Date();
    const rows = keys.map((key) => [
      key.id,
      key.title,
      key.type,
      key.fingerprint,
      relativeTime(key.createdAt, now),
    ]);
    context.stdout.write(
      table(["ID", "TITLE", "TYPE", "FINGERPRINT", "ADDED"], rows, terminalWidth(context.stdout)),
    );
  }
  return 0;
}

async function add(file: string | undefined, values: Values, context: CommandContext): Promise<number> {
  const given = file === undefined ? undefined : { key: readPublicKeyFile(file), from: file };
  const { api } = await signedIn(values.gateway, context);
  const { key, from } = given ?? (await chooseKey(api, context));
  // A title is at most 100 characters (protocol/api.ts); the gateway chooses one where there is none.
  const title = values.title ?? (key.comment !== "" ? key.comment : titleFrom(from));
  const added = await api.addKey(`${key.type} ${key.blob}`, title?.slice(0, 100));
  if (values.json === true) context.stdout.write(json(added));
  else context.stdout.write(`Added ${added.fingerprint} (${printable(added.title)}) as ${added.id}.\n`);
  return 0;
}

function titleFrom(from: string): string | undefined {
  return from === "ssh-agent" ? undefined : basename(from);
}

/** One of the person's own keys that the account does not have yet. */
async function chooseKey(api: GatewayApi, context: CommandContext): Promise<FoundKey> {
  const found = await findPublicKeys(thisMachine(context.env, homedir));
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
  const id = isId ? text : (await api.keys()).find(({ fingerprint }) => fingerprint === text)?.id;
  if (id === undefined)
    throw new CommandError("http", "not_found", `There is no key ${text} in this account.`);
  await api.removeKey(parseKeyId(id));
  context.stderr.write(`Removed ${text}.\n`);
  return 0;
}

export const command: Command = { help, run };
