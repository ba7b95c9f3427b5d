import { expect, test } from "vitest";
import { suggestedFirst } from "../../../../../agent/client/keys/suggested-keys.ts";
import type { KeyType } from "../../../../../protocol/values/ssh-public-key.ts";

test("of keys in ssh's order, Ed25519 is suggested first, and the others stay as they are", () => {
  const types: KeyType[] = [
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "ssh-ed25519",
  ];
  const found = types.map((type) => ({ key: { type } }));
  expect(suggestedFirst(found).map(({ key }) => key.type)).toEqual([
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "sk-ecdsa-sha2-nistp256@openssh.com",
  ]);
  expect(found.map(({ key }) => key.type)).toEqual(types);
});
