import { expect, test } from "vitest";
import { PendingUpgrades } from "../../../../gateway/upgrades/pending-upgrades.ts";

const none = (): void => undefined;

test("one customer's addresses share their slots: a /64 gets no more than one IPv4 address", () => {
  const waiting = new PendingUpgrades();
  const leave: (() => void)[] = [];
  for (let i = 0; i < 100; i++) leave.push(waiting.enter(`2001:db8:1:2::${i.toString(16)}`, none).leave);
  expect(() => waiting.enter("2001:db8:1:2:ffff::1", none)).toThrow(/from this address/);
  leave.push(waiting.enter("2001:db8:1:3::1", none).leave, waiting.enter("192.0.2.1", none).leave);
  for (const done of leave) done();
  for (let i = 0; i < 100; i++) waiting.enter(`2001:db8:1:2::${i.toString(16)}`, none);
});

test("there is room to wait for a host while half of the slots are free, in total and for the address", () => {
  const waiting = new PendingUpgrades();
  for (let i = 0; i < 50; i++) waiting.enter("192.0.2.1", none);
  expect(waiting.hasRoom("192.0.2.1")).toBe(true);
  const { leave } = waiting.enter("192.0.2.1", none);
  expect(waiting.hasRoom("192.0.2.1")).toBe(false);
  expect(waiting.hasRoom("192.0.2.2")).toBe(true);
  leave();
  expect(waiting.hasRoom("192.0.2.1")).toBe(true);
  for (let i = 0; i < 451; i++) waiting.enter(`198.51.${i >> 6}.${i & 63}`, none);
  expect(waiting.hasRoom("192.0.2.2")).toBe(false);
});

test("idle upgrades are evicted first: of the same address when that has its share, of any when all slots are taken", () => {
  let now = 0;
  const waiting = new PendingUpgrades(1, () => now);
  const evicted: string[] = [];
  const enter = (address: string) => waiting.enter(address, () => evicted.push(address));
  enter("192.0.2.1").moved();
  for (let i = 0; i < 99; i++) enter("192.0.2.1");
  expect(() => enter("192.0.2.1")).toThrow(/from this address/);
  now = 1_001;
  enter("192.0.2.1");
  expect(evicted).toEqual(["192.0.2.1"]);
  for (let i = 0; i < 900; i++) enter(`198.51.${i >> 6}.${i & 63}`);
  enter("203.0.113.1");
  expect(evicted).toEqual(["192.0.2.1", "192.0.2.1"]);
});
