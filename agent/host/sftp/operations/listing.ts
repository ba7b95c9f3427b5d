// The `longname` of a directory entry: one line as `ls -l` prints it. OpenSSH's sftp shows it to people as it is.

import { constants, type Stats } from "node:fs";
import type { OwnerNames } from "../user-database.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HALF_A_YEAR_MS = (365 * 24 * 3600 * 1000) / 2;

const kinds: ReadonlyMap<number, string> = new Map([
  [constants.S_IFREG, "-"],
  [constants.S_IFDIR, "d"],
  [constants.S_IFLNK, "l"],
  [constants.S_IFCHR, "c"],
  [constants.S_IFBLK, "b"],
  [constants.S_IFIFO, "p"],
  [constants.S_IFSOCK, "s"],
]);

/** The name is bytes, since it need not be UTF-8. */
export function longName(name: Buffer, stats: Stats, owners: OwnerNames, now: Date): Buffer {
  const fields = [
    `${modeText(stats.mode)} `,
    String(stats.nlink).padStart(3),
    owners.user(stats.uid).padEnd(8),
    owners.group(stats.gid).padEnd(8),
    String(stats.size).padStart(8),
    timeText(stats.mtime, now),
    "",
  ];
  return Buffer.concat([Buffer.from(fields.join(" ")), name]);
}

/** `drwxr-xr-x`, with `s`, `S`, `t` and `T` as strmode(3) has them. */
export function modeText(mode: number): string {
  const triple = (shift: number, special: boolean, letter: string): string => {
    const bits = mode >> shift;
    const execute = (bits & 1) !== 0;
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? "x" : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  const kind = kinds.get(mode & constants.S_IFMT) ?? "?";
  return [
    kind,
    triple(6, (mode & 0o4000) !== 0, "s"),
    triple(3, (mode & 0o2000) !== 0, "s"),
    triple(0, (mode & 0o1000) !== 0, "t"),
  ].join("");
}

/** Local time, with the year instead of the hour if it is more than half a year ago or in the future. */
function timeText(time: Date, now: Date): string {
  const day = `${months[time.getMonth()]} ${String(time.getDate()).padStart(2)}`;
  const age = now.getTime() - time.getTime();
  if (age < 0 || age >= HALF_A_YEAR_MS) return `${day}  ${time.getFullYear()}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
