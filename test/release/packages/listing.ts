// What is in a container's file system, to see what an installation and its removal leave there.

import type { Container } from "../support/container.ts";

/** Where package managers keep their own books, and what the kernel shows. */
const NOT_OURS = [
  "/proc",
  "/sys",
  "/dev",
  "/tmp",
  "/release",
  "/var/lib/dpkg",
  "/var/log",
  "/var/cache",
  "/lib/apk",
  "/usr/lib/apk",
  "/etc/apk",
  "/var/lib/rpm",
  "/usr/lib/sysimage",
];

/** Paths of everything else, sorted. */
export async function listing(container: Container): Promise<string[]> {
  const pruned = NOT_OURS.map((path) => `-path ${path}`).join(" -o ");
  const { stdout } = await container.run(["sh", "-c", `find / \\( ${pruned} \\) -prune -o -print`]);
  return stdout
    .split("\n")
    .filter((path) => path !== "")
    .sort();
}

export function added(before: readonly string[], after: readonly string[]): string[] {
  const known = new Set(before);
  return after.filter((path) => !known.has(path));
}
