import { expect, test } from "vitest";
import { newSessionId } from "../../../../gateway/upterm/session-id.ts";
import {
  SessionRefused,
  type UptermSessionEntry,
  UptermSessions,
} from "../../../../gateway/upterm/sessions.ts";
import { UptermLink } from "../../../../gateway/upterm/upterm-link.ts";

const few = { sessions: 4, sessionsPerAddress: 2 };

test("a session is found from when its host takes connections until it is removed", () => {
  const sessions = new UptermSessions();
  const one = session();
  sessions.add(one);
  expect(sessions.find(one.id)).toBeUndefined();
  one.ready = true;
  expect(sessions.find(one.id)).toBe(one);
  expect(sessions.find(newSessionId())).toBeUndefined();
  sessions.remove(one);
  expect(sessions.find(one.id)).toBeUndefined();
  expect(sessions.size).toBe(0);
});

test("each address has a share of the sessions, and their total number is limited", () => {
  const sessions = new UptermSessions(few);
  sessions.add(session({ address: "192.0.2.1" }));
  sessions.add(session({ address: "192.0.2.1" }));
  expect(() => sessions.add(session({ address: "192.0.2.1" }))).toThrow("from this address");
  sessions.add(session({ address: "2001:db8::1" }));
  sessions.add(session({ address: "2001:db8::2" }));
  expect(() => sessions.add(session({ address: "192.0.2.9" }))).toThrow(SessionRefused);
});

test("addresses of one IPv6 network have one share", () => {
  const sessions = new UptermSessions(few);
  sessions.add(session({ address: "2001:db8::1" }));
  sessions.add(session({ address: "2001:db8::2" }));
  expect(() => sessions.add(session({ address: "2001:db8::3" }))).toThrow("from this address");
});

test("a newer registration takes an id over and ends the older connection; an older one is refused", () => {
  const sessions = new UptermSessions(few);
  const ended: string[] = [];
  const first = session({ generation: 1n, onEnd: (reason) => ended.push(reason) });
  const second = session({ id: first.id, generation: 2n });
  sessions.add(first);
  sessions.add(second);
  second.ready = true;
  expect(ended).toEqual(["The same host has connected again."]);
  sessions.remove(first);
  expect(sessions.find(first.id)).toBe(second);
  for (const generation of [1n, 2n]) {
    expect(() => sessions.add(session({ id: first.id, generation }))).toThrow(
      "upterm: superseded by a newer registration",
    );
  }
  expect(sessions.find(first.id)).toBe(second);
});

function session(
  given: { id?: string; address?: string; generation?: bigint; onEnd?: (reason: string) => void } = {},
): UptermSessionEntry {
  const id = given.id ?? newSessionId();
  const address = given.address ?? "192.0.2.1";
  const link = new UptermLink({
    id,
    address,
    hostKeys: [],
    maxStreams: 1,
    openTimeoutMs: 1_000,
    carrier: {
      openChannel: () => Promise.reject(new Error("not in this test")),
      probe: () => Promise.resolve(true),
      end: given.onEnd ?? (() => undefined),
    },
  });
  return { id, address, link, generation: given.generation ?? 0n, allowed: "anyone", ready: false };
}
