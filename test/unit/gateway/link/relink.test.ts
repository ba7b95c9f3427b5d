import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { WorkspaceLink } from "../../../../gateway/link/link.ts";
import { LinkRegistry } from "../../../../gateway/link/registry.ts";
import { relink } from "../../../../gateway/link/streams/host-stream.ts";
import { newWorkspaceId, type WorkspaceId } from "../../../../protocol/values/id.ts";

function linkOf(workspaceId: WorkspaceId): WorkspaceLink {
  return {
    workspaceId,
    address: "192.0.2.1",
    since: new Date(),
    streams: 0,
    credential: null,
    hostKeys: [randomBytes(8).toString("hex")],
    openStream: () => Promise.reject(new Error("not asked for here")),
    probe: () => Promise.resolve(true),
    close: () => undefined,
  };
}

test("a stream that waits is told when its workspace has a different link, and of nothing else", () => {
  const registry = new LinkRegistry();
  const [mine, other] = [newWorkspaceId(), newWorkspaceId()];
  const first = linkOf(mine);
  registry.claim(first);
  let told = 0;
  const again = relink(registry, { workspaceId: mine, ownerId: null, link: first });
  const stop = again.onNew(() => told++);
  // Streams that come and go, and other workspaces.
  for (let i = 0; i < 100; i++) registry.changed(mine);
  registry.claim(linkOf(other));
  expect(told).toBe(0);
  registry.release(first, "cut");
  expect(told).toBe(0);
  const second = linkOf(mine);
  registry.claim(second);
  expect([told, again.current()]).toEqual([1, second]);
  for (let i = 0; i < 100; i++) registry.changed(mine);
  const third = linkOf(mine);
  registry.claim(third);
  expect(told).toBe(2);
  stop();
  registry.claim(linkOf(mine));
  expect(told).toBe(2);
});
