import { expect, test } from "vitest";
import { Waiting } from "../../../../gateway/link/waiting.ts";

test("one customer's addresses wait together: a /64 gets no more places than one IPv4 address", () => {
  const waiting = new Waiting();
  const leave: (() => void)[] = [];
  for (let i = 0; i < 100; i++) leave.push(waiting.enter(`2001:db8:1:2::${i.toString(16)}`));
  expect(() => waiting.enter("2001:db8:1:2:ffff::1")).toThrow(/from this address/);
  leave.push(waiting.enter("2001:db8:1:3::1"), waiting.enter("192.0.2.1"));
  for (const done of leave) done();
  for (let i = 0; i < 100; i++) waiting.enter(`2001:db8:1:2::${i.toString(16)}`);
});
