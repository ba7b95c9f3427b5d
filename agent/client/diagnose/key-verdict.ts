// The verdict on the person's keys, from the keys that ssh offered, the key that was accepted, and the account's keys. Pure.

import type { Discovery, PendingKey } from "../../../protocol/api.ts";
import { proveCommand } from "../../../protocol/key-proof.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { adviceFor, fail, warn } from "./advice.ts";
import type { Verdict } from "./report.ts";
import type { OfferedKey, SshProgress } from "./ssh-log.ts";

export interface KeyFacts {
  /** Fingerprints of the account's keys; undefined: not known. */
  readonly registered: readonly string[] | undefined;
  /** The account's pending keys. */
  readonly pending: readonly PendingKey[];
  /** The gateway's SSH port. */
  readonly ssh: Discovery["ssh"];
  /** The server that judged the keys, as the beginning of a sentence. */
  readonly by: string;
  readonly gateway: GatewayUrl;
}

/** OpenSSH's servers allow six tries (MaxAuthTries), some servers only three. */
const MANY_TRIES = 4;

export function keyVerdict(
  progress: SshProgress,
  { registered, pending, ssh, by, gateway }: KeyFacts,
): Verdict {
  const { offered, accepted, authenticated, messages } = progress;
  const position = offered.findIndex(({ fingerprint }) => fingerprint === accepted);
  if (authenticated) return taken(offered[position], position);
  if (messages.some((line) => /Too many authentication failures/i.test(line))) {
    return fail("too_many_keys", `${by} gave up after ${count(offered)}.`, {
      means: "Your SSH agent holds many keys, and the right one was not among the first.",
      todo: "Name the right key for this workspace in your SSH configuration, with IdentityFile and IdentitiesOnly yes.",
    });
  }
  const locked = offered[position];
  if (locked !== undefined) {
    return fail("key_locked", `${by} would accept ${describe(locked)}, but the key could not be used.`, {
      means:
        "The key has a passphrase or is in a device, and this diagnosis cannot unlock it. Once it is unlocked, it works.",
      todo: "Load it into your SSH agent with `ssh-add` and its path.",
    });
  }
  const [first] = offered;
  if (first === undefined) {
    return fail("no_key", "ssh has no key to offer.", {
      means:
        "There is no key in the usual places, none in your SSH agent, and none in your SSH configuration.",
      todo: "Make one with `ssh-keygen -t ed25519`, then register it: `sallyport keys add`.",
    });
  }
  const known = offered.find(({ fingerprint }) => registered?.includes(fingerprint) === true);
  if (known !== undefined) {
    return fail("key_refused", `${by} refused ${describe(known)}, although your account has it.`, {
      means:
        "The host does not accept the account's keys (--no-account-keys), or has not received this key yet.",
      todo: "Try again in a moment, or ask the workspace's owner to allow the key.",
    });
  }
  const unproved = pending.find((key) => offered.some(({ fingerprint }) => fingerprint === key.fingerprint));
  if (unproved !== undefined) {
    const command = proveCommand(ssh);
    const bySsh = command === undefined ? "" : `, or by \`${command}\` and the code ${unproved.code}`;
    return fail("key_unproved", `${by} did not accept ${unproved.fingerprint}.`, {
      means: "Your account names this key, but you have not yet proved that it is yours.",
      todo: `Prove it: \`sallyport keys add --gateway ${gateway}\`${bySsh}.`,
    });
  }
  const others = offered.length === 1 ? "" : `, nor ${offered.length - 1} more`;
  const detail = `${by} did not accept ${describe(first)}${others}.`;
  if (registered === undefined) return fail("keys_refused", detail, adviceFor("key"));
  if (registered.length === 0) {
    return fail("key_unregistered", detail, {
      means: "Your account at the gateway has no SSH key yet.",
      todo: `Register one: \`sallyport keys add --gateway ${gateway}\`.`,
    });
  }
  return fail("key_unregistered", detail, {
    means: `ssh offers none of your account's keys: ${registered.slice(0, 3).join(", ")}.`,
    todo: `Register a key of this machine (\`sallyport keys add --gateway ${gateway}\`), or load one of those into your SSH agent.`,
  });
}

function taken(key: OfferedKey | undefined, position: number): Verdict {
  if (key === undefined) return { status: "ok", detail: "You were signed in without a key." };
  const detail = `${describe(key)} was accepted.`;
  if (position < MANY_TRIES) return { status: "ok", detail };
  return warn("late_key", `${detail} ${position} others were refused before it.`, {
    means: "Servers give up after a few keys: with a few more in your SSH agent, you could not sign in.",
    todo: "Name the right key for this workspace in your SSH configuration, with IdentityFile and IdentitiesOnly yes.",
  });
}

function describe({ type, fingerprint, name }: OfferedKey): string {
  return `${type} ${fingerprint} (${name})`;
}

function count(offered: readonly OfferedKey[]): string {
  return offered.length === 1 ? "one key" : `${offered.length} keys`;
}
