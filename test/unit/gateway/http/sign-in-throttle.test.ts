import { expect, test } from "vitest";
import { RateLimited, SignInThrottle } from "../../../../gateway/http/sign-in-throttle.ts";

test("the thirtieth failure within a minute is the last that gets its reason", () => {
  let now = 0;
  const throttle = new SignInThrottle(() => now);
  for (let i = 0; i < 30; i++) {
    throttle.check("192.0.2.1");
    throttle.failed("192.0.2.1");
  }
  now = 59_001;
  expect(() => throttle.check("192.0.2.1")).toThrow(RateLimited);
  expect(() => throttle.check("192.0.2.1")).toThrow(
    expect.objectContaining({ code: "rate_limited", retryAfterSeconds: 1 }),
  );
  throttle.check("192.0.2.2");
  now = 60_000;
  throttle.check("192.0.2.1");
  throttle.failed("192.0.2.1");
  throttle.check("192.0.2.1");
});

test("addresses of one IPv6 network count together", () => {
  const throttle = new SignInThrottle(() => 0);
  for (let i = 0; i < 30; i++) throttle.failed(`2001:db8::${i.toString(16)}`);
  expect(() => throttle.check("2001:db8::ffff")).toThrow(RateLimited);
});

test("a flood from many addresses makes it forget the oldest address, so that it does not grow", () => {
  const throttle = new SignInThrottle(() => 0);
  for (let i = 0; i < 30; i++) throttle.failed("192.0.2.1");
  for (let i = 0; i < 9_999; i++) throttle.failed(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  expect(() => throttle.check("192.0.2.1")).toThrow(RateLimited);
  throttle.failed("198.51.100.1");
  throttle.check("192.0.2.1");
});
