// Removes a secret from the clipboard after a while, if it is still there. Only the secret's hash and the time are
// remembered, so that a window that reloads, as the one that connects does, can finish what it began.

import { createHash } from "node:crypto";

interface Clipboard {
  readText(): PromiseLike<string>;
  writeText(text: string): PromiseLike<void>;
}

/** What is remembered, in VS Code's state. */
export interface PendingClearing {
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export const CLEAR_AFTER_MS = 60_000;

export function pendingClearing(secret: string, now: number): PendingClearing {
  return { sha256: hash(secret), at: now + CLEAR_AFTER_MS };
}

/**
 * Reads what was remembered; undefined for anything else. A time too far in the future means that the clock was set
 * back.
 */
export function parsePending(value: unknown, now: number): PendingClearing | undefined {
  if (typeof value !== "object" || value === null || !("sha256" in value && "at" in value)) return undefined;
  const { sha256, at } = value;
  if (typeof sha256 !== "string" || typeof at !== "number" || !Number.isFinite(at)) return undefined;
  return { sha256, at: Math.min(at, now + CLEAR_AFTER_MS) };
}

/** Empties the clipboard if the secret is still on it. Returns whether it was. */
export async function clearIfStillThere(clipboard: Clipboard, pending: PendingClearing): Promise<boolean> {
  if (hash(await clipboard.readText()) !== pending.sha256) return false;
  await clipboard.writeText("");
  return true;
}

function hash(text: string): string {
  return createHash("sha256").update(text.trim()).digest("hex");
}
