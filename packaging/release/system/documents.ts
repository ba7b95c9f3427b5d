// The documents that a Debian system wants of a package, in the forms that its policy asks for: `copyright` in the
// machine-readable format, a changelog, and manuals, all of them packed as small as gzip can.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export const MAINTAINER = "Sallyport contributors <contributors@sallyport.invalid>";

export interface PackageInput {
  readonly version: string;
  /** Of the release: the time of every file in the package, so that the same inputs give the same bytes. */
  readonly date: Date;
  /** The directory with the program of the platform and all that comes with it. */
  readonly program: string;
  /** The directory for the documents. */
  readonly documents: string;
  /** Quick rather than small. */
  readonly draft: boolean;
}

export async function writeDocuments({
  version,
  date,
  program,
  documents: directory,
}: PackageInput): Promise<void> {
  await mkdir(join(directory, "man"), { recursive: true });
  for (const name of await readdir(join(program, "man"))) {
    await writeFile(join(directory, "man", `${name}.gz`), packed(await readFile(join(program, "man", name))));
  }
  const licences = "THIRD-PARTY-LICENSES.txt";
  await writeFile(join(directory, `${licences}.gz`), packed(await readFile(join(program, licences))));
  await writeFile(join(directory, "changelog.gz"), packed(changelog(version, date)));
  await writeFile(join(directory, "copyright"), copyright(await readFile(join(program, "LICENSE"), "utf8")));
}

/** The form of deb-changelog(5). What changed for users is in the repository's CHANGELOG.md. */
function changelog(version: string, date: Date): string {
  const day = date.toUTCString().replace("GMT", "+0000");
  return `sallyport (${version}) stable; urgency=medium\n\n  * Release ${version}.\n\n -- ${MAINTAINER}  ${day}\n`;
}

/** The form of copyright-format/1.0. @throws Error if the licence does not begin as the one of the MIT does */
function copyright(licence: string): string {
  const [, holder, terms] = /^MIT License\n\nCopyright \(c\) (.+)\n\n([\s\S]+)$/.exec(licence) ?? [];
  if (holder === undefined || terms === undefined)
    throw new Error("LICENSE does not read like the MIT licence");
  const lines = terms
    .trimEnd()
    .split("\n")
    .map((line) => ` ${line === "" ? "." : line}`);
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sallyport
Comment: The program contains Node.js and the packages that
 /usr/share/doc/sallyport/THIRD-PARTY-LICENSES.txt.gz lists with their licences.

Files: *
Copyright: ${holder}
License: Expat

License: Expat
${lines.join("\n")}
`;
}

function packed(contents: Buffer | string): Buffer {
  return gzipSync(contents, { level: 9 });
}
