import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeVsix } from "../../../packaging/vsix/vsix.ts";
import { readZip } from "./read-zip.ts";

/** The program in it is whole: the gateway is inside, with its dashboard and its ways to sign in. */
const MAX_BYTES = 3.5 * 1024 * 1024;

/** Everything that may be in the package. A new kind of file is a decision: it is made here. */
const ALLOWED = [
  /^extension\.vsixmanifest$/,
  /^\[Content_Types\]\.xml$/,
  /^extension\/(package\.json|package\.nls(\.[a-z-]+)?\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^extension\/dist\/(cli\.js|pac-worker\.js|quickjs\.wasm|extension\/extension\.js|package\.json|THIRD-PARTY-LICENSES\.txt)$/,
  /^extension\/dist\/(extension\/)?chunks\/[a-z0-9-]+-[A-Z0-9]{8}\.js$/,
  /^extension\/l10n\/bundle\.l10n(\.[a-z-]+)?\.json$/,
  /^extension\/media\/([a-z0-9-]+\/)*[A-Za-z0-9-]+\.(png|svg|md)$/,
  /^extension\/node_modules\/(ssh2|asn1|bcrypt-pbkdf|safer-buffer|tweetnacl|keytar|@lydell\/node-pty)\/(.*\.js|package\.json|LICENSE(\.md)?)$/,
  /^extension\/node_modules\/keytar\/prebuilds\/[a-z0-9-]+\/keytar\.node$/,
  /^extension\/node_modules\/@lydell\/node-pty-(darwin|linux|win32)-(arm64|x64)\/(package\.json|[a-z_]+\.node|spawn-helper)$/,
];

const Manifest = Type.Object({
  main: Type.String(),
  version: Type.String(),
  icon: Type.Optional(Type.String()),
});

let directory: string;
let path: string;
let files: Map<string, Buffer>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-vsix-"));
  path = join(directory, "sallyport.vsix");
  await writeVsix(path);
  files = await readZip(path);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function text(name: string): string {
  const contents = files.get(name);
  if (contents === undefined) throw new Error(`${name} is not in the package`);
  return contents.toString("utf8");
}

test("the package holds nothing that is not on the list", () => {
  expect([...files.keys()].filter((name) => !ALLOWED.some((allowed) => allowed.test(name)))).toEqual([]);
});

test("the package is no larger than 3.5 MiB", () => {
  expect(statSync(path).size).toBeLessThanOrEqual(MAX_BYTES);
});

test("every file that the manifest or a page of it names is in the package", () => {
  const named = [...text("extension/package.json").matchAll(/"\.?\/?((?:media|dist|l10n)\/[^"]*\.[a-z]+)"/g)];
  expect(named.length).toBeGreaterThan(0);
  for (const [, name] of named) expect(files.has(`extension/${name}`), name).toBe(true);
});

test("every text that the manifest asks for is there in English and in each other language", () => {
  const keys = [...text("extension/package.json").matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key ?? "");
  const languages = [...files.keys()].filter((name) => /^extension\/package\.nls.*\.json$/.test(name));
  if (keys.length > 0) expect(languages).toContain("extension/package.nls.json");
  for (const language of languages) {
    const texts: unknown = JSON.parse(text(language));
    if (!Check(Type.Record(Type.String(), Type.Unknown()), texts))
      throw new Error(`${language} is not an object`);
    expect(
      keys.filter((key) => texts[key] === undefined),
      language,
    ).toEqual([]);
    expect(
      Object.keys(texts).filter((key) => !keys.includes(key)),
      language,
    ).toEqual([]);
  }
});

test("the manifest has nothing of how the repository is built", () => {
  const manifest: unknown = JSON.parse(text("extension/package.json"));
  expect(manifest).not.toHaveProperty("scripts");
  expect(manifest).not.toHaveProperty("devDependencies");
  expect(Check(Manifest, manifest) && files.has(`extension/${manifest.main.replace(/^[.]\//, "")}`)).toBe(
    true,
  );
});

test("the companion in the package starts with what is in the package alone", async () => {
  const unpacked = join(directory, "unpacked");
  await readZip(path, unpacked);
  const cli = join(unpacked, "extension", "dist", "cli.js");
  const { stdout } = await promisify(execFile)(process.execPath, [cli, "version"]);
  const manifest: unknown = JSON.parse(readFileSync(join(unpacked, "extension", "package.json"), "utf8"));
  expect(stdout).toContain(Check(Manifest, manifest) ? manifest.version : "?");
});

test("the same sources give the same bytes", async () => {
  const again = join(directory, "again.vsix");
  await writeVsix(again);
  expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
});
