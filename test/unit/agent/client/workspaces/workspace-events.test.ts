import fc from "fast-check";
import { expect, test } from "vitest";
import {
  parseWorkspaceEvent,
  readServerSentEvents,
} from "../../../../../agent/client/workspaces/workspace-events.ts";

async function collect(parts: Iterable<Uint8Array>) {
  async function* body() {
    yield* parts;
  }
  const events = [];
  for await (const event of readServerSentEvents(body())) events.push(event);
  return events;
}

const stream =
  ': hello\n\nevent: workspace\r\ndata: {"a":\ndata: "ü"}\r\n\r\ndata:x\rid: 3\r\revent: lost\n\n';
const expected = [
  { event: "workspace", data: '{"a":\n"ü"}' },
  { event: "message", data: "x" },
];

test("events are the same however the network cuts the bytes", async () => {
  const bytes = new TextEncoder().encode(stream);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), async (sizes) => {
      const parts: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        parts.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(await collect(parts)).toEqual(expected);
    }),
  );
});

test("an event that never ends is refused before it fills the memory", async () => {
  const part = new TextEncoder().encode(`data: ${"x".repeat(1024 * 1024)}\n`);
  await expect(collect(Array.from({ length: 20 }, () => part))).rejects.toMatchObject({
    code: "message_too_large",
  });
});

test("kinds of events that this version does not know are passed over", () => {
  expect(parseWorkspaceEvent("moon-phase", "{}")).toBeUndefined();
  expect(parseWorkspaceEvent("snapshot", '{"workspaces":[]}')).toEqual({ type: "snapshot", workspaces: [] });
  expect(() => parseWorkspaceEvent("snapshot", "<html>")).toThrow(/not JSON/);
});
