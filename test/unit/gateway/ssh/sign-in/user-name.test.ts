import { expect, test } from "vitest";
import { parseUserName } from "../../../../../gateway/ssh/sign-in/user-name.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";

const id = newWorkspaceId();

test.each([
  ["dev", { kind: "name", name: "dev", owner: undefined }, undefined],
  ["dev.ada", { kind: "name", name: "dev", owner: "ada" }, undefined],
  [id, { kind: "id", id }, undefined],
  ["dev#spo_x", { kind: "name", name: "dev", owner: undefined }, "spo_x"],
  ["dev.ada#a#b", { kind: "name", name: "dev", owner: "ada" }, "a#b"],
  ["dev#", { kind: "name", name: "dev", owner: undefined }, ""],
  ["", undefined, undefined],
  ["Dev", undefined, undefined],
  ["../etc", undefined, undefined],
  ["a.b.c", undefined, undefined],
  ["#spo_x", undefined, "spo_x"],
  ["x".repeat(257), undefined, undefined],
])("%j", (text, workspace, token) => {
  expect(parseUserName(text)).toEqual({ workspace, token });
});
