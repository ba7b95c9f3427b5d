// A host of a gateway for tests of pages: it echoes, and ends with the test.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { parseFolder } from "../../../protocol/values/folder.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { startTestHost, type TestHost } from "../test-host.ts";

/** @param state the same directory is the same identity; missing: a new one */
export async function webHost(
  at: { readonly url: string },
  token: string,
  name: string,
  state?: string,
): Promise<TestHost> {
  return await startTestHost({
    gateway: parseGatewayUrl(at.url),
    token,
    name,
    state: state ?? hostDirectory(),
    folder: parseFolder("/home/ada/project"),
    owner: (stop) => onTestFinished(stop),
  });
}

export function hostDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-web-host-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
