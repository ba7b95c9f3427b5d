// The key that signs releases, kept by the person who makes them. Programs upgrade to releases of the key they were built with
// and of no other, so it must not be lost.

import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

/** @param file PEM; default: the person's own, made at the first release @throws Error: it cannot be read, or is no Ed25519 key */
export async function releaseKey(file: string | undefined, say: (line: string) => void): Promise<KeyObject> {
  const path = file ?? ownKey();
  const text = await readFile(path, "utf8").catch(async (error) => {
    if (file !== undefined || error.code !== "ENOENT")
      throw new Error(`the key ${path} cannot be read: ${error.message}`);
    return await makeKey(path, say);
  });
  if (process.platform !== "win32" && ((await stat(path)).mode & 0o077) !== 0) {
    throw new Error(`other users can read the key ${path}: run \`chmod 600\` on it`);
  }
  const key = createPrivateKey(text);
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`the key ${path} is not an Ed25519 key`);
  return key;
}

async function makeKey(path: string, say: (line: string) => void): Promise<string> {
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, pem, { mode: 0o600, flag: "wx" });
  say(
    `made the key that signs your releases: ${path}. Keep a copy: programs upgrade to releases of this key only.`,
  );
  return pem;
}

function ownKey(): string {
  const xdg = process.env.XDG_CONFIG_HOME;
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".config");
  return join(base, "sallyport-release", "key.pem");
}
