// What became of the person's keys, told from which were offered, which one was taken, and which the gateway knows. Pure.

import type { Discovery, PendingKey } from "../../../protocol/api.ts";
import { proveCommand } from "../../../protocol/key-proof.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { adviceFor, fail, warn } from "./advice.ts";
import type { Verdict } from "./report.ts";
import type { OfferedKey, SshProgress } from "./ssh-log.ts";

export interface KeyFacts {
  /** Fingerprints of the account's keys; undefined: not known. */
  readonly registered: readonly string[] | undefined;
  /** Those that wait for their proof. */
  readonly pending: readonly PendingKey[];
  /** The gateway's SSH port. */
  readonly ssh: Discovery["ssh"];
  /** Who let the keys in or did not, as the beginning of a sentence. */
  readonly by: string;
  readonly gateway: GatewayUrl;
}

/** OpenSSH's servers take six tries (MaxAuthTries), and some take three. */
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
      todo: "Name the right one for this workspace: IdentityFile and IdentitiesOnly yes in your SSH configuration.",
    });
  }
  const locked = offered[position];
  if (locked !== undefined) {
    return fail("key_locked", `${by} would take ${describe(locked)}, but it could not be used.`, {
      means:
        "The key is encrypted, or sits in a device, and nobody was there to unlock it. With a passphrase typed, it works.",
      todo: "Load it into your SSH agent: `ssh-add` and its path.",
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
        "The host there does not take the account's keys (--no-account-keys), or has not heard of this one yet.",
      todo: "Ask whoever runs the workspace to allow the key, or try again in a moment.",
    });
  }
  const unproved = pending.find((key) => offered.some(({ fingerprint }) => fingerprint === key.fingerprint));
  if (unproved !== undefined) {
    const command = proveCommand(ssh);
    const bySsh = command === undefined ? "" : `, or by \`${command}\` and the code ${unproved.code}`;
    return fail("key_unproved", `${by} did not take ${unproved.fingerprint}.`, {
      means: "Your account names this key, but nothing has shown yet that it is yours.",
      todo: `Prove it: \`sallyport keys add --gateway ${gateway}\`${bySsh}.`,
    });
  }
  const others = offered.length === 1 ? "" : `, nor ${offered.length - 1} more`;
  const detail = `${by} did not take ${describe(first)}${others}.`;
  if (registered === undefined) return fail("keys_refused", detail, adviceFor("key"));
  if (registered.length === 0) {
    return fail("key_unregistered", detail, {
      means: "Your account at the gateway has no SSH key yet.",
      todo: `Register one: \`sallyport keys add --gateway ${gateway}\`.`,
    });
  }
  return fail("key_unregistered", detail, {
    means: `Your account has other keys than ssh offers: ${registered.slice(0, 3).join(", ")}.`,
    todo: `Register one that you have here (\`sallyport keys add --gateway ${gateway}\`), or load one of those.`,
  });
}

function taken(key: OfferedKey | undefined, position: number): Verdict {
  if (key === undefined) return { status: "ok", detail: "You were let in without a key." };
  const detail = `${describe(key)} was taken.`;
  if (position < MANY_TRIES) return { status: "ok", detail };
  return warn("late_key", `${detail} ${position} others were refused before.`, {
    means: "Servers give up after a few keys: one more in your SSH agent, and you are locked out.",
    todo: "Name the right one for this workspace: IdentityFile and IdentitiesOnly yes in your SSH configuration.",
  });
}

function describe({ type, fingerprint, name }: OfferedKey): string {
  return `${type} ${fingerprint} (${name})`;
}

function count(offered: readonly OfferedKey[]): string {
  return offered.length === 1 ? "one key" : `${offered.length} keys`;
}
