// What is in the container image: the program for musl with all that it needs beside it, below /usr, and the few files that
// a system must have. No shell, no package manager.

import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { TarEntry } from "../memory-tar.ts";
import { withInterpreter } from "./interpreter.ts";

/** The user that runs in the image: the number that other images without root use, too. */
export const USER = 65532;
export const DATA = "/var/lib/sallyport";
const DOWNLOADS = "/downloads";

/** The one place where the program finds its loader: an image that copies it has to put it there as well. */
const PROGRAM = "usr/lib/sallyport";

/** `program`: the directory with the program of the platform and all that comes with it; `loader`: see musl-loader.ts. */
export async function rootEntries(program: string, loader: string): Promise<TarEntry[]> {
  const libraries = (await readdir(program)).filter((name) => /\.node$|\.so(\.|$)/.test(name)).sort();
  const read = (name: string) => readFile(join(program, name));
  const beside = async (name: string) => ({ path: `${PROGRAM}/${name}`, contents: await read(name) });
  return [
    ...["etc/", "usr/", "usr/bin/", "usr/lib/", `${PROGRAM}/`, "var/", "var/lib/"].map((path) => ({ path })),
    { path: "tmp/", mode: 0o1777 },
    { path: `${DATA.slice(1)}/`, mode: 0o700, uid: USER },
    { path: `${DOWNLOADS.slice(1)}/` },
    { path: "etc/passwd", contents: passwd() },
    { path: "etc/group", contents: `root:x:0:\nnonroot:x:${USER}:\n` },
    // For programs of another C library, in an image that is built on this one; musl does the same without it.
    { path: "etc/nsswitch.conf", contents: "hosts: files dns\n" },
    { path: "usr/bin/sallyport", target: "../lib/sallyport/sallyport" },
    {
      path: `${PROGRAM}/sallyport`,
      contents: withInterpreter(await read("sallyport"), `/${PROGRAM}/${basename(loader)}`),
      mode: 0o755,
    },
    { path: `${PROGRAM}/${basename(loader)}`, contents: await readFile(loader), mode: 0o755 },
    ...(await Promise.all([...libraries, "LICENSE", "THIRD-PARTY-LICENSES.txt"].map(beside))),
  ];
}

function passwd(): string {
  return `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${USER}:${USER}:nonroot:${DATA}:/sbin/nologin\n`;
}
