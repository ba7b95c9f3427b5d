import { expect, test } from "vitest";
import { withOnlyHostKey } from "../../../../../agent/client/known-hosts/connect-url-key.ts";
import { parsePublicKey } from "../../../../../protocol/values/ssh-public-key.ts";

const key = (fill: number): string => {
  const blob = Buffer.concat([
    Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20", "latin1"),
    Buffer.alloc(32, fill),
  ]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
};

test("of the keys that a gateway publishes, the link's is the only one that stays", () => {
  const workspace = { id: "ws_x", hostKeys: [key(1), `${key(2)} a comment`] };
  expect(withOnlyHostKey(workspace, parsePublicKey(key(2)))).toEqual({
    id: "ws_x",
    hostKeys: [`${key(2)} a comment`],
  });
});

test("a workspace for which other keys are published, or none, is not the one that is meant", () => {
  for (const hostKeys of [[key(1), key(3)], []]) {
    expect(withOnlyHostKey({ hostKeys }, parsePublicKey(key(2)))).toBeUndefined();
  }
});
