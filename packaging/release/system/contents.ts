// What a system package puts where, and with which modes, in the words of nfpm's `contents`.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Format } from "./formats.ts";

/** One file, link or directory of a package. */
export interface Entry {
  /** A file here; for a link, what it points to; none for a directory. */
  readonly src?: string;
  readonly dst: string;
  readonly type?: "symlink" | "dir" | "config|noreplace";
  readonly file_info?: { readonly mode: number };
}

/** Where the files that are in the repository lie. */
export const FILES = join(import.meta.dirname, "files");

const PROGRAM = "/usr/lib/sallyport";

/** Where each format's shells look for completions that packages bring. */
const ZSH: Readonly<Record<Format, string>> = {
  deb: "/usr/share/zsh/vendor-completions",
  rpm: "/usr/share/zsh/site-functions",
  apk: "/usr/share/zsh/site-functions",
};

/**
 * `program`: the unpacked archive of the platform; `documents`: what documents.ts wrote (`man/`, `copyright`,
 * `changelog.gz`).
 */
export async function contents(format: Format, program: string, documents: string): Promise<Entry[]> {
  return [
    ...(await programFiles(program)),
    ...(await manuals(documents)),
    ...completions(format, program),
    ...(format === "apk" ? openrc() : systemd()),
    ...papers(format, program, documents),
    ...(format === "rpm" ? OWN_DIRECTORIES : []),
    {
      src: join(FILES, "gateway.env"),
      dst: "/etc/sallyport/gateway.env",
      type: "config|noreplace",
      file_info: { mode: 0o644 },
    },
  ];
}

/** rpm removes only directories that a package names; the others go by themselves. */
const OWN_DIRECTORIES: readonly Entry[] = [PROGRAM, "/etc/sallyport", "/usr/share/licenses/sallyport"].map(
  (dst) => ({ dst, type: "dir", file_info: { mode: 0o755 } }),
);

async function programFiles(program: string): Promise<Entry[]> {
  const names = (await readdir(program)).filter((name) => /^sallyport$|\.node$|\.so(\.|$)/.test(name)).sort();
  if (!names.includes("sallyport")) throw new Error(`${program} has no program`);
  return [
    ...names.map((name) =>
      file(join(program, name), `${PROGRAM}/${name}`, name === "sallyport" ? 0o755 : 0o644),
    ),
    { src: "../lib/sallyport/sallyport", dst: "/usr/bin/sallyport", type: "symlink" },
  ];
}

async function manuals(documents: string): Promise<Entry[]> {
  const names = (await readdir(join(documents, "man"))).sort();
  return names.map((name) => file(join(documents, "man", name), `/usr/share/man/man1/${name}`));
}

function completions(format: Format, program: string): Entry[] {
  const from = (name: string) => join(program, "completions", name);
  return [
    file(from("sallyport"), "/usr/share/bash-completion/completions/sallyport"),
    file(from("_sallyport"), `${ZSH[format]}/_sallyport`),
    file(from("sallyport.fish"), "/usr/share/fish/vendor_completions.d/sallyport.fish"),
  ];
}

function systemd(): Entry[] {
  return [
    file(join(FILES, "sallyport-gateway.service"), "/usr/lib/systemd/system/sallyport-gateway.service"),
    file(join(FILES, "sallyport.sysusers"), "/usr/lib/sysusers.d/sallyport.conf"),
    file(join(FILES, "sallyport.tmpfiles"), "/usr/lib/tmpfiles.d/sallyport.conf"),
  ];
}

function openrc(): Entry[] {
  return [file(join(FILES, "sallyport-gateway.initd"), "/etc/init.d/sallyport-gateway", 0o755)];
}

function papers(format: Format, program: string, documents: string): Entry[] {
  const licences = "THIRD-PARTY-LICENSES.txt";
  if (format !== "deb") {
    return ["LICENSE", licences].map((name) =>
      file(join(program, name), `/usr/share/licenses/sallyport/${name}`),
    );
  }
  const doc = "/usr/share/doc/sallyport";
  return [
    file(join(documents, "copyright"), `${doc}/copyright`),
    file(join(documents, "changelog.gz"), `${doc}/changelog.gz`),
    file(join(documents, `${licences}.gz`), `${doc}/${licences}.gz`),
    file(join(FILES, "lintian-overrides"), "/usr/share/lintian/overrides/sallyport"),
  ];
}

function file(src: string, dst: string, mode = 0o644): Entry {
  return { src, dst, file_info: { mode } };
}
