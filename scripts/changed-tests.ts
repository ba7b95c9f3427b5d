// What `npm test -- --changed` looks at: the files that differ from main, and the tests that may notice.

import { execFileSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { join, normalize } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./repository.ts";

export interface Change {
  /** Files that exist, relative to the root. */
  readonly files: readonly string[];
  /** Unit tests that import one of them, and tests of any kind that are among them. */
  readonly tests: readonly string[];
}

/** Compares the working tree, untracked files included, with the commit where this branch left main (on main: with HEAD). */
export async function findChange(): Promise<Change> {
  const base = git("merge-base", "HEAD", "main")[0] ?? "HEAD";
  const differing = [
    ...git("diff", "--name-only", base),
    ...git("ls-files", "--others", "--exclude-standard"),
  ];
  const files = [...new Set(differing)].filter((file) => existsSync(join(ROOT, file))).sort();
  const changed = new Set(files);
  const own = files.filter((file) => /^test\/(unit|integration)\/.*\.test\.ts$/.test(file));
  return { files, tests: [...new Set([...own, ...(await importers(changed))])].sort() };
}

/** The unit tests that import one of these files, however indirectly. */
async function importers(changed: ReadonlySet<string>): Promise<string[]> {
  const tests = globSync("test/unit/**/*.test.ts", { cwd: ROOT });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: tests,
    outdir: "nowhere",
    write: false,
    metafile: true,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  const importedBy = new Map<string, string[]>();
  for (const [file, { imports }] of Object.entries(metafile.inputs)) {
    for (const { path } of imports) importedBy.set(path, [...(importedBy.get(path) ?? []), file]);
  }
  const reached = new Set<string>();
  const queue = [...changed];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    queue.push(...(importedBy.get(file) ?? []));
  }
  return tests.map(normalize).filter((test) => reached.has(test));
}

/** The lines of git's output; none where it fails, as without a branch `main`. */
function git(...args: string[]): string[] {
  try {
    const said = execFileSync("git", args, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return said.split("\n").filter((line) => line !== "");
  } catch {
    return [];
  }
}
