// Archives that are the same, byte for byte, whenever and by whomever they are made from the same files.

import { runTool } from "../executable/parts/run-tool.ts";

/** In the oldest form that every tar reads, owned by root. @param time of all files, in seconds since 1970 @throws Error */
export async function writeTar(
  tar: string,
  directory: string,
  files: readonly string[],
  time: number,
): Promise<void> {
  const ownership = ["--owner=root:0", "--group=root:0", "--mode=u=rwX,go=rX"];
  const form = ["--format=ustar", "--sort=name", `--mtime=@${time}`, ...ownership];
  await runTool("tar", ["-cf", tar, ...form, "-C", directory, ...inOrder(files)]);
}

/** The program comes first: it has the native parts inside, too, and a compressor sees those again if they follow closely. */
function inOrder(files: readonly string[]): string[] {
  const isProgram = (name: string) => Number(/^sallyport(\.exe)?$/.test(name));
  return [...files].sort((a, b) => isProgram(b) - isProgram(a) || (a < b ? -1 : 1));
}

/** @throws Error */
export async function writeTarGz(
  archive: string,
  directory: string,
  files: readonly string[],
  time: number,
  draft = false,
): Promise<void> {
  const tar = `${archive}.part`;
  await writeTar(tar, directory, files, time);
  await compress("gzip", tar, archive, draft);
  await runTool("rm", [tar]);
}

/** Keeps the original. Without its name and time. @param draft quick rather than small @throws Error: the program is missing */
export async function compress(
  program: "gzip" | "xz",
  file: string,
  compressed: string,
  draft: boolean,
): Promise<void> {
  // xz's filter for machine code would save more, but busybox cannot undo it. Level 8 asks for 33 MiB to unpack.
  const level = draft ? 1 : program === "gzip" ? 9 : 8;
  const command = program === "gzip" ? `gzip -${level} -n` : `xz -${level} -T1`;
  await runTool(program, ["--version"]); // Says what to install if it is missing, which a shell does not.
  await runTool("sh", ["-c", `${command} < "$1" > "$2"`, "sh", file, compressed]);
}
