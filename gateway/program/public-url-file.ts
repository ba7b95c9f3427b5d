// The public URL of the gateway that uses a data directory, for commands on the same machine that print links to it. The
// gateway writes it at each start.

import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { type GatewayUrl, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";

/** In the data directory. It is not in a backup: a gateway that is restored may have a different URL. */
const PUBLIC_URL_FILE = "public-url";

/** A directory that cannot be written does not keep the gateway from starting. */
export async function writePublicUrl(dataDir: string, publicUrl: GatewayUrl, log: Logger): Promise<void> {
  const path = join(dataDir, PUBLIC_URL_FILE);
  const part = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(part, `${publicUrl}\n`, { mode: 0o600, flag: "wx" });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    log.warn({ err: error }, "The public URL could not be noted for `sallyport gateway invite`.");
  }
}

/** undefined: no gateway of this version has started there. */
export async function readPublicUrl(dataDir: string): Promise<GatewayUrl | undefined> {
  try {
    return parseGatewayUrl((await readFile(join(dataDir, PUBLIC_URL_FILE), "utf8")).trim());
  } catch {
    // It is missing or damaged, and the person is asked for it.
    return undefined;
  }
}
