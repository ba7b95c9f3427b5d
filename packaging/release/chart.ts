// A step of a release: the Helm chart of deploy/helm/, with the release's version, as `helm package` would write it. The same
// contents give the same bytes.

import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../scripts/repository.ts";
import { runTool } from "../executable/parts/run-tool.ts";
import type { Release } from "./release.ts";

const SOURCE = join(ROOT, "deploy", "helm", "sallyport");
/** Values that the tests render it with. */
const LEFT_OUT = join(SOURCE, "ci");

/** @throws Error: the chart names no version to replace, or tar is missing */
export async function chartStep(
  release: Pick<Release, "version" | "directory" | "work" | "time">,
): Promise<void> {
  const { version, directory, work, time } = release;
  const parent = join(work, "chart");
  const chart = join(parent, "sallyport");
  await cp(SOURCE, chart, { recursive: true, filter: (path) => path !== LEFT_OUT });
  const description = join(chart, "Chart.yaml");
  await writeFile(description, withVersion(await readFile(description, "utf8"), version));
  const ownership = ["--owner=root:0", "--group=root:0", "--mode=u=rwX,go=rX"];
  const form = ["--format=ustar", "--sort=name", `--mtime=@${time}`, ...ownership];
  const tar = join(work, "chart.tar");
  // Helm wants files only.
  const files = ["-C", parent, "--no-recursion", "--null", "--files-from", join(work, "chart.files")];
  const names = await runTool("find", ["sallyport", "-type", "f", "-print0"], { cwd: parent });
  await writeFile(join(work, "chart.files"), names.split("\0").filter(Boolean).sort().join("\0"));
  await runTool("tar", ["-cf", tar, ...form, ...files]);
  const archive = join(directory, `sallyport-chart-${version}.tgz`);
  await runTool("sh", ["-c", 'gzip -9 -n < "$1" > "$2"', "sh", tar, archive]);
}

function withVersion(description: string, version: string): string {
  const replaced = description.replaceAll(/^(version|appVersion): .*$/gm, `$1: ${version}`);
  if (replaced.split(`: ${version}\n`).length !== 3) throw new Error("Chart.yaml names no version");
  return replaced;
}
