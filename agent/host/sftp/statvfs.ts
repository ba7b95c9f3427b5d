// What statvfs@openssh.com answers (PROTOCOL §4.4), from statfs(2) and, on Linux, the mount table.

import type { Stats } from "node:fs";
import { readFile, stat, statfs } from "node:fs/promises";
import { errorCode } from "../../platform/error-code.ts";
import { PacketWriter } from "./packet.ts";
import { PACKET } from "./wire.ts";

const FLAG = { readOnly: 1n, noSetuid: 2n } as const;
/** NAME_MAX: what Linux file systems have; Node does not tell the real one. */
const NAME_MAX = 255n;

/**
 * The answer, a whole packet.
 * @param path what statfs(2) is asked for
 * @param mountedAt the path by which the mount is found in the mount table
 */
export async function fileSystemAnswer(
  id: number,
  path: Buffer | string,
  mountedAt: Buffer,
  readOnlySession: boolean,
): Promise<Buffer> {
  const [system, stats] = await Promise.all([statfs(path, { bigint: true }), stat(path)]);
  const mount = await mountOptions(stats, mountedAt);
  const flags =
    (readOnlySession || mount.has("ro") ? FLAG.readOnly : 0n) | (mount.has("nosuid") ? FLAG.noSetuid : 0n);
  const fragment: unknown = Reflect.get(system, "frsize");
  return new PacketWriter(PACKET.extendedReply)
    .u32(id)
    .u64(system.bsize)
    .u64(typeof fragment === "bigint" && fragment > 0n ? fragment : system.bsize)
    .u64(system.blocks)
    .u64(system.bfree)
    .u64(system.bavail)
    .u64(system.files)
    .u64(system.ffree)
    .u64(system.ffree)
    .u64(BigInt(stats.dev))
    .u64(flags)
    .u64(NAME_MAX)
    .finish();
}

async function mountOptions(stats: Stats, path: Buffer): Promise<ReadonlySet<string>> {
  try {
    return findMountOptions(await readFile("/proc/self/mountinfo", "latin1"), stats.dev, path);
  } catch (error) {
    // No mount table, as outside Linux, or a hidden one: the answer goes without its flags.
    if (errorCode(error) === undefined) throw error;
    return new Set();
  }
}

/**
 * The options of the mount that holds `path`: of the mounts of its device, the one whose mount point is the longest
 * prefix, and the last of those (proc_pid_mountinfo(5)). `table` is the file's bytes as Latin-1.
 */
export function findMountOptions(table: string, device: number, path: Buffer): ReadonlySet<string> {
  const name = path.toString("latin1");
  let length = -1;
  let found: ReadonlySet<string> = new Set();
  for (const line of table.split("\n")) {
    const [, , numbers, , rawPoint, options] = line.split(" ");
    if (numbers === undefined || rawPoint === undefined || options === undefined) continue;
    if (numbers !== deviceNumbers(device)) continue;
    const point = rawPoint.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const holds = point === "/" || name === point || name.startsWith(`${point}/`);
    if (!holds || point.length < length) continue;
    length = point.length;
    found = new Set(options.split(","));
  }
  return found;
}

/** `major:minor` of a device number as glibc packs it. */
function deviceNumbers(device: number): string {
  const value = BigInt(device);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xffff_f000n);
  const minor = (value & 0xffn) | ((value >> 12n) & 0xffff_ff00n);
  return `${major}:${minor}`;
}
