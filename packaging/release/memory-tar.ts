// A tar archive in memory whose bytes depend on its entries only: numeric owners, one time, no names of users.

import { packTar } from "modern-tar";

export type TarEntry =
  | {
      readonly path: string;
      readonly contents: Uint8Array | string;
      readonly mode?: number;
      readonly uid?: number;
    }
  | { readonly path: string; readonly target: string }
  /** Its path ends in a slash. */
  | { readonly path: string; readonly mode?: number; readonly uid?: number };

/** Owners are root unless `uid` says otherwise, which is the group as well. */
export async function tar(entries: readonly TarEntry[], date: Date): Promise<Uint8Array> {
  return await packTar(
    entries.map((entry) => {
      const common = { name: entry.path, mtime: date, uname: "", gname: "" };
      if ("target" in entry) {
        const header = {
          ...common,
          size: 0,
          type: "symlink",
          linkname: entry.target,
          mode: 0o777,
          uid: 0,
          gid: 0,
        } as const;
        return { header };
      }
      const owner = { uid: entry.uid ?? 0, gid: entry.uid ?? 0 };
      if (!("contents" in entry)) {
        return {
          header: { ...common, ...owner, size: 0, type: "directory", mode: entry.mode ?? 0o755 } as const,
        };
      }
      const body = typeof entry.contents === "string" ? Buffer.from(entry.contents) : entry.contents;
      return {
        header: { ...common, ...owner, size: body.length, type: "file", mode: entry.mode ?? 0o644 } as const,
        body,
      };
    }),
  );
}
