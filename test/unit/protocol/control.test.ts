import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseGatewayMessage, parseHostMessage, registrationPayload } from "../../../protocol/control.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { MAX_CONTROL_BYTES } from "../../../protocol/limits.ts";
import { newStreamToken } from "../../../protocol/values/token.ts";

const register = {
  type: "register",
  version: 1,
  name: "dev",
  workspaceId: null,
  hostKeys: ["ssh-ed25519 AAAA"],
  signature: "AAAA",
  agent: "sallyport/0.1.0",
  endToEndOnly: false,
  ownerTokens: true,
};

describe("a control message", () => {
  test("that is well formed comes through as it was", () => {
    expect(parseHostMessage(JSON.stringify(register))).toEqual(register);
    const more = { ...register, browserUrl: "https://dev.example/", folder: "/srv" };
    expect(parseHostMessage(JSON.stringify(more))).toEqual(more);
    const open = {
      type: "open",
      stream: newStreamToken(),
      via: "tunnel",
      client: { address: "::1", account: null },
    };
    expect(parseGatewayMessage(JSON.stringify(open))).toEqual(open);
    const error = { type: "error", code: "fenced", message: "Another one." };
    expect(parseGatewayMessage(JSON.stringify(error))).toEqual(error);
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["null", "null"],
    ["an unknown type", '{"type":"exec"}'],
    ["a type of Object.prototype's", '{"type":"constructor"}'],
    ["a message of the other direction", '{"type":"challenge"}'],
    ["a missing field", JSON.stringify({ ...register, name: undefined })],
    ["a field too many", JSON.stringify({ ...register, admin: true })],
    ["a bad name", JSON.stringify({ ...register, name: "../x" })],
    ["a browser URL that is too long", JSON.stringify({ ...register, browserUrl: "x".repeat(2049) })],
    ["a folder that is too long", JSON.stringify({ ...register, folder: "/".repeat(4097) })],
    ["a folder that is none", JSON.stringify({ ...register, folder: null })],
    ["no keys", JSON.stringify({ ...register, hostKeys: [] })],
    ["a version that is not an integer", JSON.stringify({ ...register, version: 1.5 })],
  ])("with %s is refused with bad_message", (_what, text) => {
    expect(() => parseHostMessage(text)).toThrow(expect.objectContaining({ code: "bad_message" }));
  });

  test("one byte over the limit is refused before it is parsed, one at the limit is not", () => {
    const atLimit = `{"type":"ping"}`.padEnd(MAX_CONTROL_BYTES, " ");
    expect(parseHostMessage(atLimit)).toEqual({ type: "ping" });
    expect(() => parseHostMessage(`${atLimit} `)).toThrow(
      expect.objectContaining({ code: "message_too_large" }),
    );
  });

  test("with an error code that is none of ours is refused", () => {
    const text = JSON.stringify({ type: "error", code: "toString", message: "" });
    expect(() => parseGatewayMessage(text)).toThrow(ProtocolError);
  });

  test("of any content throws nothing but a ProtocolError", () => {
    const mutated = fc
      .tuple(fc.constantFrom(...Object.keys(register), "extra"), fc.anything())
      .map(([key, value]) => ({ ...register, [key]: value }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          mutated.map((value) =>
            JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? `${item}` : item)),
          ),
        ),
        (text) => {
          for (const parse of [parseHostMessage, parseGatewayMessage]) {
            try {
              parse(text);
            } catch (error) {
              expect(error).toBeInstanceOf(ProtocolError);
            }
          }
        },
      ),
    );
  });
});

describe("what a host signs", () => {
  test("differs with the nonce and with the gateway, and one cannot be shifted into the other", () => {
    const payload = registrationPayload("nonce", "key");
    expect(payload.equals(registrationPayload("nonce2", "key"))).toBe(false);
    expect(payload.equals(registrationPayload("nonce", "key2"))).toBe(false);
    expect(registrationPayload("a", "bc").equals(registrationPayload("ab", "c"))).toBe(false);
  });
});
