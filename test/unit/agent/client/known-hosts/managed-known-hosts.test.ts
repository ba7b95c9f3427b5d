import { expect, test } from "vitest";
import { changedKeys, pinnedIfAny } from "../../../../../agent/client/known-hosts/managed-known-hosts.ts";
import { parsePublicKey } from "../../../../../protocol/values/ssh-public-key.ts";
import { ed25519 } from "../../../gateway/store/memory-store.ts";

const key = (n: number) => parsePublicKey(ed25519(n));
const pinned = (...keys: number[]) => keys.map((n) => `dev.ada.gw ${ed25519(n)}\n`).join("");

test("a key that a gateway puts beside the pinned one of a workspace is not pinned: it could be its own", () => {
  expect(pinnedIfAny(pinned(1), "dev.ada.gw", [key(1), key(2)])).toEqual([key(1)]);
  expect(pinnedIfAny(pinned(1, 2), "dev.ada.gw", [key(1), key(2), key(3)])).toEqual([key(1), key(2)]);
});

test("at the first connection all are pinned; where none is known, a person is asked about all", () => {
  expect(pinnedIfAny("", "dev.ada.gw", [key(1), key(2)])).toEqual([key(1), key(2)]);
  const after = pinnedIfAny(pinned(1), "dev.ada.gw", [key(2), key(3)]);
  expect(after).toEqual([key(2), key(3)]);
  expect(changedKeys(pinned(1), new Map([["dev.ada.gw", after]]))).toMatchObject([{ alias: "dev.ada.gw" }]);
});
