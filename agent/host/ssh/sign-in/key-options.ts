// The options of an authorized_keys line (sshd(8)): what its key may do, from where and until when. Read strictly: a key
// with an option that is not supported is refused.

import { isIP } from "node:net";
import { type AddressPattern, matchesAddress, parseAddressPatterns } from "./address-pattern.ts";
import { ALL_PERMISSIONS, type KeyPermissions } from "./key-grant.ts";

/** When and from where a line's key is allowed, and what it may do. */
export interface KeyRule {
  readonly permissions: KeyPermissions;
  readonly from: readonly AddressPattern[] | undefined;
  /** Milliseconds since 1970. */
  readonly expires: number | undefined;
}

export function isRuleMet(rule: KeyRule, address: string, now: number): boolean {
  if (rule.expires !== undefined && now >= rule.expires) return false;
  return rule.from === undefined || (isIP(address) !== 0 && matchesAddress(rule.from, address));
}

/** An option is not supported or malformed: the key is refused rather than allowed with fewer restrictions. */
export class KeyOptionError extends Error {
  override readonly name = "KeyOptionError";
}

/**
 * Reads the options in front of a key, as in sshd(8), with one difference: `command` also takes away forwarding, with which
 * a client could get around it, unless the line grants forwarding by name.
 * @throws KeyOptionError
 */
export function parseKeyOptions(text: string): KeyRule {
  const permissions: { -readonly [K in keyof KeyPermissions]: KeyPermissions[K] } = { ...ALL_PERMISSIONS };
  let from: readonly AddressPattern[] | undefined;
  let expires: number | undefined;
  const named = new Set<string>();
  for (const { name, value } of splitOptions(text)) {
    named.add(name);
    switch (value === undefined ? name : `${name}=`) {
      case "restrict":
        Object.assign(permissions, { pty: false, portForwarding: false, agentForwarding: false });
        break;
      case "pty":
      case "no-pty":
        permissions.pty = name === "pty";
        break;
      case "port-forwarding":
      case "no-port-forwarding":
        permissions.portForwarding = name === "port-forwarding";
        break;
      case "agent-forwarding":
      case "no-agent-forwarding":
        permissions.agentForwarding = name === "agent-forwarding";
        break;
      case "x11-forwarding":
      case "no-x11-forwarding":
      case "user-rc":
      case "no-user-rc":
        // The host never forwards X11 and never runs ~/.ssh/rc.
        break;
      case "no-touch-required":
        permissions.touchRequired = false;
        break;
      case "verify-required":
        permissions.verificationRequired = true;
        break;
      case "command=":
        permissions.command = once(permissions.command, name, value ?? "");
        break;
      case "from=":
        from = once(from, name, parseAddressPatterns(value ?? ""));
        if (from === undefined) throw new KeyOptionError(`from="${value}" has host names or is malformed`);
        break;
      case "expiry-time=":
        expires = once(expires, name, expiry(value ?? ""));
        break;
      case "permitopen=":
        permissions.permitOpen = [...(permissions.permitOpen ?? []), destination(name, value ?? "")];
        break;
      case "permitlisten=":
        permissions.permitListen = [...(permissions.permitListen ?? []), destination(name, value ?? "")];
        break;
      default:
        throw new KeyOptionError(`the option ${JSON.stringify(name.slice(0, 40))} is not supported`);
    }
  }
  if (permissions.command !== undefined) {
    if (!["port-forwarding", "permitopen", "permitlisten"].some((name) => named.has(name))) {
      permissions.portForwarding = false;
    }
    if (!named.has("agent-forwarding")) permissions.agentForwarding = false;
  }
  return { permissions, from, expires };
}

function once<T>(before: T | undefined, name: string, value: T): T {
  if (before !== undefined) throw new KeyOptionError(`the option ${name} is given twice`);
  return value;
}

/** `name` or `name="value"`, separated by commas; `\"` within quotes is a quote (sshd(8)). */
function splitOptions(text: string): { name: string; value: string | undefined }[] {
  const options: { name: string; value: string | undefined }[] = [];
  let rest = text;
  while (rest !== "") {
    const match = /^([A-Za-z0-9@.-]+)(?:="((?:\\"|[^"])*)")?(?:,(?=.)|$)/s.exec(rest);
    const name = match?.[1];
    if (match === null || name === undefined) throw new KeyOptionError("the options are malformed");
    options.push({ name: name.toLowerCase(), value: match[2]?.replaceAll('\\"', '"') });
    rest = rest.slice(match[0].length);
  }
  return options;
}

/** YYYYMMDD[HHMM[SS]][Z], local time without the Z. */
function expiry(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/.exec(text);
  if (match === null) throw new KeyOptionError(`expiry-time="${text}" is malformed`);
  const [, year, month, day, hour = "00", minute = "00", second = "00", zone = ""] = match;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  if (Number.isNaN(time)) throw new KeyOptionError(`expiry-time="${text}" is not a date`);
  return time;
}

function destination(name: string, text: string): string {
  const pattern = name === "permitopen" ? /^(\S+):(\d{1,5}|\*)$/ : /^(?:(\S+):)?(\d{1,5}|\*)$/;
  if (!pattern.test(text)) throw new KeyOptionError(`${name}="${text}" is malformed`);
  return text;
}
