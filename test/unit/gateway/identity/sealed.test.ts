// Sealed values: they open only at the gateway that sealed them, for their purpose, unchanged, and in time.

import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadSealer, Sealer } from "../../../../gateway/identity/sealed.ts";
import { temporaryDirectory } from "../../../support/test-gateway.ts";

test("A value opens until its time is over", () => {
  let now = 1_000;
  const sealer = new Sealer(randomBytes(32), () => now);
  const sealed = sealer.seal("redirect", { state: "x" }, 10);
  expect(sealer.open("redirect", sealed)).toEqual({ state: "x" });
  now += 10_000;
  expect(sealer.open("redirect", sealed)).toBeUndefined();
});

test("A value does not open for a different purpose, at a different gateway, or once it is changed", () => {
  const sealer = new Sealer(randomBytes(32));
  const sealed = sealer.seal("redirect", "value", 60);
  expect(sealer.open("passkey", sealed)).toBeUndefined();
  expect(new Sealer(randomBytes(32)).open("redirect", sealed)).toBeUndefined();
  const bytes = Buffer.from(sealed, "base64url");
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      expect(sealer.open("redirect", changed.toString("base64url"))).toBeUndefined();
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => sealer.open("redirect", text) === undefined));
});

test("The key is made once, even if several processes start at the same time", async () => {
  const directory = temporaryDirectory();
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => loadSealer(directory)));
  const sealed = one?.seal("passkey", 7, 60) ?? "";
  expect(two?.open("passkey", sealed)).toBe(7);
  expect(three?.open("passkey", sealed)).toBe(7);
  expect((await loadSealer(directory)).open("passkey", sealed)).toBe(7);
});
