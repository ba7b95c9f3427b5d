// Starts subjects, each in a directory of its own. If one of them does not start, the others are ended.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Place, Running, Subject } from "./subjects/subject.ts";

export interface Started {
  readonly subject: Subject;
  readonly running: Running;
}

/** By subject: why it was left out. */
export type Skipped = Map<string, string>;

/** A subject that does not start is left out by name: it must not cost the others their figures. */
export async function startAll(
  subjects: readonly Subject[],
  place: Omit<Place, "directory">,
  { directory, skipped }: { directory: string; skipped: Skipped },
): Promise<Started[]> {
  const started: Started[] = [];
  for (const subject of subjects) {
    const own = join(directory, subject.name.replaceAll(/\W+/g, "-"));
    mkdirSync(own, { mode: 0o700, recursive: true });
    try {
      started.push({ subject, running: await subject.start({ ...place, directory: own }) });
    } catch (error) {
      skipped.set(subject.name, `did not start: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return started;
}

export async function stopAll(started: readonly Started[]): Promise<void> {
  await Promise.all(started.map(({ running }) => running.stop()));
}

/** Round after round the order moves on by one, so that no subject always comes after the same other one. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
