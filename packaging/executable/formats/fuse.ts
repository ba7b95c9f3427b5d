// The fuse in Node's data that says whether a blob is inside: part of every injection, whatever the format of the file.

/** Followed by ":0", and by ":1" in an executable with a blob (node/src/node_sea.cc). */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** The file is not one that a blob can be put into. */
export class UnsuitableExecutable extends Error {
  override readonly name = "UnsuitableExecutable";
}

/** Turns the fuse on. @throws UnsuitableExecutable */
export function flipFuse(executable: Buffer): void {
  const at = executable.indexOf(FUSE);
  if (at < 0 || executable.includes(FUSE, at + 1))
    throw new UnsuitableExecutable("it is not Node, or has no one fuse");
  const state = executable.toString("latin1", at + FUSE.length, at + FUSE.length + 2);
  if (state !== ":0") throw new UnsuitableExecutable("it has a blob already");
  executable.write(":1", at + FUSE.length, "latin1");
}
