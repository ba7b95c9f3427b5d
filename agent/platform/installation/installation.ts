// How this program came onto this machine, and so who replaces it by a newer one: itself (`sallyport upgrade`), a package
// manager, or the person who built it.

import { existsSync, lstatSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isVersion, PLATFORMS } from "../../../protocol/release/manifest.ts";
import { errorCode } from "../error-code.ts";
import { executable } from "../executable.ts";
import { type PackageOwner, packageOwner } from "./package-owner.ts";

export type Installation =
  | {
      /** By install.sh or install.ps1: `place/versions/VERSION-PLATFORM/sallyport`. */
      readonly kind: "script";
      readonly place: string;
      /** Leads to the version that people start: `place/sallyport` to the program or, on Windows, `place/current` to its directory. */
      readonly link: string;
      readonly path: string;
    }
  /** One executable file. Native parts of another version may be beside it: the program leaves them alone (native-files.ts). */
  | { readonly kind: "file"; readonly path: string }
  | ({ readonly kind: "package"; readonly path: string } & PackageOwner)
  | { readonly kind: "npm"; readonly path: string; readonly global: boolean }
  | { readonly kind: "clone"; readonly path: string }
  /** Inside an editor's extension. */
  | { readonly kind: "extension"; readonly path: string }
  /** Of unknown origin: the built files, or a version's directory without the link that leads there. */
  | { readonly kind: "copy"; readonly path: string };

export interface Program {
  /** undefined: Node runs a script. */
  readonly executable: string | undefined;
  /** The script that Node runs. */
  readonly script: string;
}

/** The program that runs. */
export function thisProgram(): Program {
  return { executable: executable()?.path, script: process.argv[1] ?? "" };
}

/**
 * Paths are absolute and without links, except `link`.
 * @throws CommandError stage `file`: a package manager that may own the program does not answer
 */
export async function findInstallation(
  program: Program,
  signal: AbortSignal,
  ownerOf: (path: string, signal: AbortSignal) => Promise<PackageOwner | undefined> = packageOwner,
): Promise<Installation> {
  if (program.executable === undefined) return ofScript(realpathSync(program.script));
  const path = realpathSync(program.executable);
  const script = byInstallScript(path);
  if (script !== undefined) return script;
  const owner = await ownerOf(path, signal);
  if (owner !== undefined) return { kind: "package", path, ...owner };
  return { kind: "file", path };
}

/** Whether it is `VERSION-PLATFORM`, as directories in `versions/` are named. */
function isVersionDirectory(name: string): boolean {
  return PLATFORMS.some((platform) => {
    const end = `-${platform}`;
    return name.endsWith(end) && isVersion(name.slice(0, -end.length));
  });
}

function byInstallScript(path: string): Installation | undefined {
  const directory = dirname(path);
  const versions = dirname(directory);
  if (basename(versions) !== "versions" || !isVersionDirectory(basename(directory))) return undefined;
  const place = dirname(versions);
  const link = [basename(path), "current"].map((name) => join(place, name)).find(isLink);
  return link === undefined ? { kind: "copy", path } : { kind: "script", place, link, path };
}

/** @param script without links: `ROOT/dist/cli.js`, or `ROOT/agent/cli.ts` unbuilt */
function ofScript(script: string): Installation {
  const path = dirname(dirname(script));
  if (existsSync(join(path, ".vsixmanifest")) || /^sallyport\.sallyport-\d/.test(basename(path)))
    return { kind: "extension", path };
  if (basename(dirname(path)) === "node_modules" && isOurPackage(path)) {
    return { kind: "npm", path, global: /[\\/](?:lib|npm)[\\/]node_modules$/.test(dirname(path)) };
  }
  return { kind: existsSync(join(path, ".git")) ? "clone" : "copy", path };
}

function isOurPackage(directory: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    return (
      typeof manifest === "object" && manifest !== null && "name" in manifest && manifest.name === "sallyport"
    );
  } catch {
    // No package at all.
    return false;
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}
