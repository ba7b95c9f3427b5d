// What packaging reads of package.json, which is the manifest of both the extension and the npm package.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Check, Errors } from "typebox/value";
import { ROOT } from "../../scripts/repository.ts";

const Manifest = Type.Object({
  name: Type.String(),
  displayName: Type.String(),
  description: Type.String(),
  version: Type.String(),
  publisher: Type.String(),
  license: Type.String(),
  engines: Type.Object({ vscode: Type.String() }),
  categories: Type.Array(Type.String()),
  keywords: Type.Array(Type.String()),
  extensionKind: Type.Array(Type.String()),
  main: Type.String(),
  icon: Type.Optional(Type.String()),
  dependencies: Type.Record(Type.String(), Type.String()),
});

export type Manifest = Static<typeof Manifest>;

const Strings = Type.Record(Type.String(), Type.Unknown());

/** With `%key%` texts in English. @throws Error that says what is wrong in package.json */
export async function readManifest(): Promise<Manifest> {
  const manifest: unknown = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  if (!Check(Manifest, manifest)) {
    const [error] = Errors(Manifest, manifest);
    throw new Error(`package.json: ${error?.instancePath} ${error?.message}`);
  }
  const english = await readStrings(join(ROOT, "package.nls.json"));
  const text = (value: string) => {
    const key = /^%(.+)%$/.exec(value)?.[1];
    const found = key === undefined ? value : english[key];
    if (typeof found !== "string") throw new Error(`package.nls.json has no ${key}`);
    return found;
  };
  return {
    ...manifest,
    displayName: text(manifest.displayName),
    description: text(manifest.description),
  };
}

/**
 * package.json as it goes into the extension. What installs, builds and tests the repository stays out: editors do not
 * read it.
 */
export async function shippedManifest(version: string): Promise<string> {
  const whole: unknown = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  if (!Check(Strings, whole)) throw new Error("package.json is not an object");
  const { scripts, devDependencies, bin, private: unpublished, ...shipped } = whole;
  return `${JSON.stringify({ ...shipped, version }, null, 2)}\n`;
}

async function readStrings(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8").catch(() => "{}"); // Without it, package.json has its texts itself.
  const strings: unknown = JSON.parse(text);
  if (!Check(Strings, strings)) throw new Error(`${path} is not an object`);
  return strings;
}
