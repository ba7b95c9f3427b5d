// Archives that are the same, byte for byte, whenever and by whomever they are made from the same files.

import { runTool } from "../executable/run-tool.ts";

/** In the oldest form that every tar reads, owned by root. @param time of all files, in seconds since 1970 @throws Error */
export async function writeTar(
  tar: string,
  directory: string,
  files: readonly string[],
  time: number,
): Promise<void> {
  const ownership = ["--owner=root:0", "--group=root:0", "--mode=u=rwX,go=rX"];
  const form = ["--format=ustar", "--sort=name", `--mtime=@${time}`, ...ownership];
  await runTool("tar", ["-cf", tar, ...form, "-C", directory, ...[...files].sort()]);
}

/** @throws Error */
export async function writeTarGz(
  archive: string,
  directory: string,
  files: readonly string[],
  time: number,
): Promise<void> {
  const tar = `${archive}.part`;
  await writeTar(tar, directory, files, time);
  await compress("gzip", tar, archive);
  await runTool("rm", [tar]);
}

/** Keeps the original. Without its name and time. @throws Error: the program is missing */
export async function compress(program: "gzip" | "xz", file: string, compressed: string): Promise<void> {
  const command = program === "gzip" ? "gzip -9 -n" : "xz -6 -T1";
  await runTool(program, ["--version"]); // Says what to install if it is missing, which a shell does not.
  await runTool("sh", ["-c", `${command} < "$1" > "$2"`, "sh", file, compressed]);
}
