import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../protocol/errors.ts";
import {
  bearerToken,
  equalHashes,
  hashToken,
  newAccessToken,
  newOwnerToken,
  newStreamToken,
  parseAccessToken,
  parseOwnerToken,
  parseStreamToken,
  redactTokens,
  tokenKind,
} from "../../../../protocol/values/token.ts";

describe("a token", () => {
  test("is accepted by its own parser and by no other", () => {
    const access = newAccessToken();
    expect(parseAccessToken(access)).toBe(access);
    expect(tokenKind(access)).toBe("spt");
    expect(() => parseOwnerToken(access)).toThrow(ProtocolError);
    expect(parseOwnerToken(newOwnerToken())).toMatch(/^spo_/);
    expect(parseStreamToken(newStreamToken())).toMatch(/^sps_/);
  });

  test("with any one character changed is refused before it is looked up", () => {
    const token = newAccessToken();
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: token.length - 1 }),
        fc.constantFrom(..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        (index, character) => {
          fc.pre(token[index] !== character);
          const changed = token.slice(0, index) + character + token.slice(index + 1);
          expect(() => parseAccessToken(changed)).toThrow(/access token/);
        },
      ),
    );
  });

  test("is refused with bad_token for anything that is not one, whatever its type", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          parseAccessToken(value);
          return false;
        } catch (error) {
          return error instanceof ProtocolError && error.code === "bad_token" && error.field === "token";
        }
      }),
    );
    expect(() => parseAccessToken(`${newAccessToken()}\n`)).toThrow(ProtocolError);
  });

  test("differs each time, and so does its hash", () => {
    const tokens = Array.from({ length: 200 }, () => newAccessToken());
    expect(new Set(tokens).size).toBe(200);
    expect(new Set(tokens.map(hashToken)).size).toBe(200);
  });

  test("is compared by hash: equal only to itself, and an empty hash equals nothing", () => {
    const hash = hashToken(newAccessToken());
    expect(equalHashes(hash, hash)).toBe(true);
    expect(equalHashes(hash, hashToken(newAccessToken()))).toBe(false);
    expect(equalHashes("", "")).toBe(false);
    expect(equalHashes(hash, hash.slice(2))).toBe(false);
  });

  test("never survives redaction, wherever it stands in a text", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const token = newOwnerToken();
        expect(redactTokens(`${before} ${token} ${after}`)).not.toContain(token.slice(4));
      }),
    );
  });

  test("is taken from a Bearer header only", () => {
    expect(bearerToken("Bearer abc")).toBe("abc");
    expect(bearerToken("bearer  abc ")).toBe("abc");
    for (const header of [
      undefined,
      "",
      "abc",
      "Basic abc",
      "Bearer",
      "Bearer a b",
      `Bearer ${"a".repeat(2000)}`,
    ]) {
      expect(bearerToken(header)).toBeUndefined();
    }
  });
});
