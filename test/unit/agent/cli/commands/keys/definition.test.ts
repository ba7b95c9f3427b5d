import { expect, test } from "vitest";
import { definition } from "../../../../../../agent/cli/commands/keys/definition.ts";
import { UsageError } from "../../../../../../protocol/command/command.ts";
import { readInput } from "../../../../../../protocol/command/run.ts";
import { newKeyId } from "../../../../../../protocol/values/id.ts";

const { remove } = definition.subcommands;
const keyOf = (text: string) =>
  readInput(remove, { options: [], operands: [text] }, { env: {} }).operands.key;

test.each(["key_bad", "id_ed25519.pub", ""])(
  "%j names no key, which is said before anybody signs in",
  (text) => {
    expect(() => keyOf(text)).toThrow(UsageError);
  },
);

test("a key is named by its id or its fingerprint", () => {
  for (const text of [newKeyId(), `SHA256:${"a".repeat(43)}`]) expect(keyOf(text)).toBe(text);
});
