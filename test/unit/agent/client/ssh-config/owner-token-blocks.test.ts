import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Managed } from "../../../../../agent/client/ssh-config/apply.ts";
import { desiredConfig, type Listing } from "../../../../../agent/client/ssh-config/desired-config.ts";
import {
  formatManagedConfig,
  isOwnerTokenSection,
  parseManagedConfig,
} from "../../../../../agent/client/ssh-config/managed-config.ts";
import {
  type OwnerTokenChoice,
  withOwnerTokens,
} from "../../../../../agent/client/ssh-config/owner-token-blocks.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { parseSshAddress } from "../../../../../protocol/values/host-name.ts";
import { workspace } from "../workspaces/workspaces.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
const gateway = parseGatewayUrl("https://gw.example");
const [dev, other] = [workspace("dev", { hostKeys: [KEY] }), workspace("other", { hostKeys: [KEY] })];
const place = { knownHosts: "/home/me/.ssh/sallyport/known_hosts", platform: "linux" } as const;
const listing: Listing = {
  gateway,
  account: "ana",
  workspaces: [dev, other],
  ssh: parseSshAddress({ host: "ssh.gw.example", port: 2222 }),
  hostKeys: [KEY],
};
const nothing: Managed = { sections: [], knownHosts: "" };

function write(now: Managed, byOwnerToken: boolean | undefined, given = listing) {
  const desired = desiredConfig(now, [given], { place, launcher: "/bin/tunnel", transport: "direct" });
  const choice: OwnerTokenChoice | undefined =
    byOwnerToken === undefined ? undefined : { gateway, id: dev.id, byOwnerToken };
  return withOwnerTokens(desired, now, [given], choice, place);
}

test("ssh takes the block for the gateway, with the workspace as the user, the gateway's pinned keys and no key of its own", () => {
  const { managed } = write(nothing, true);
  const directory = mkdtempSync(join(tmpdir(), "sallyport-owner-token-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "config");
  writeFileSync(file, formatManagedConfig(managed.sections));
  const effective = execFileSync("ssh", ["-F", file, "-G", "dev.gw.example"], { encoding: "utf8" });
  for (const line of [
    "hostname ssh.gw.example",
    "port 2222",
    `user ${dev.id}`,
    "hostkeyalias _gateway.gw.example",
    "stricthostkeychecking true",
    "pubkeyauthentication false",
    `userknownhostsfile ${place.knownHosts}`,
  ]) {
    expect(effective.split("\n")).toContain(line);
  }
  expect(effective).not.toMatch(/^proxy(jump|command)/m);
  expect(managed.knownHosts).toContain(`_gateway.gw.example ${KEY}`);
});

test("a later writer that does not know of it leaves it so, and other workspaces as they are", () => {
  const first = write(nothing, true).managed;
  const again = { ...first, sections: parseManagedConfig(formatManagedConfig(first.sections)) };
  const later = write(again, undefined).managed;
  expect(later.sections.filter(isOwnerTokenSection).map(({ id }) => id)).toEqual([dev.id]);
});

test("connecting by a key takes it back", () => {
  const later = write(write(nothing, true).managed, false).managed;
  expect(later.sections.some(isOwnerTokenSection)).toBe(false);
});

test("where the gateway has no SSH port there is nobody to show the token to", () => {
  const { managed } = write(nothing, true, { ...listing, ssh: null });
  expect(managed.sections.some(isOwnerTokenSection)).toBe(false);
});
