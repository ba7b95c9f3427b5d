import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { parseStatus } from "../../../../../agent/client/tunnel/connection-status.ts";
import { openStatusFile } from "../../../../../agent/client/tunnel/status-file.ts";

test("a companion tells its bytes and its round trip while it lives, and leaves nothing behind", async () => {
  const home = mkdtempSync(join(tmpdir(), "sallyport-status-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const directory = join(home, "sallyport", "status");
  const status = openStatusFile("dev", { HOME: home, XDG_CACHE_HOME: home });
  status.pinged();
  status.ponged();
  status.sent(3);
  status.received(4);
  const read = () => parseStatus(readFileSync(join(directory, `dev.${process.pid}.json`), "utf8"));
  await vi.waitFor(() => expect(read()).toMatchObject({ workspace: "dev", bytesIn: 4, bytesOut: 3 }), 5_000);
  expect(read()?.roundTripMs).toBeTypeOf("number");
  await status.end();
  expect(readdirSync(directory)).toEqual([]);
  expect(existsSync(directory)).toBe(true);
});
