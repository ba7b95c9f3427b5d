// Tokens: 256 random bits in base62 after a prefix, with a checksum. Scanners can find a leaked one by its form, and a typing
// error can be told from a wrong token without asking the gateway. Only a token's SHA-256 is stored.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { ProtocolError } from "../errors.ts";

declare const brand: unique symbol;
type Token<K extends string> = string & { readonly [brand]: K };

/** Proves an account. */
export type AccessToken = Token<"spt">;
/** Opens one workspace. */
export type OwnerToken = Token<"spo">;
/** Lets a host dial back for one stream, once. */
export type StreamToken = Token<"sps">;
/** Renews a client's sign-in: protocol/sign-in/oauth.ts. */
export type RefreshToken = Token<"spr">;
/** A browser's session: the value of its cookie. */
export type SessionSecret = Token<"spb">;
/** Good once: the code of an invitation, an authorization or a device. */
export type OneUseCode = Token<"spc">;

export type TokenKind = "spt" | "spo" | "sps" | "spr" | "spb" | "spc";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_LENGTH = 43;
const CHECK_LENGTH = 6;

const WORDS: Readonly<Record<TokenKind, string>> = {
  spt: "an access token",
  spo: "an owner token",
  sps: "a stream token",
  spr: "a refresh token",
  spb: "a session",
  spc: "a one-use code",
};
const form = new RegExp(`^sp[tosrbc]_[0-9A-Za-z]{${SECRET_LENGTH + CHECK_LENGTH}}$`);

/** Finds anything that looks like a token in a text: for redaction and for leak scanners. */
export const TOKEN_PATTERN = /\bsp[tosrbc]_[0-9A-Za-z]{20,}/g;

export function newAccessToken(): AccessToken {
  return newToken("spt") as AccessToken;
}
export function newOwnerToken(): OwnerToken {
  return newToken("spo") as OwnerToken;
}
export function newStreamToken(): StreamToken {
  return newToken("sps") as StreamToken;
}
export function newRefreshToken(): RefreshToken {
  return newToken("spr") as RefreshToken;
}
export function newSessionSecret(): SessionSecret {
  return newToken("spb") as SessionSecret;
}
export function newOneUseCode(): OneUseCode {
  return newToken("spc") as OneUseCode;
}

export function parseAccessToken(value: unknown): AccessToken {
  return parseToken("spt", value) as AccessToken;
}
export function parseOwnerToken(value: unknown): OwnerToken {
  return parseToken("spo", value) as OwnerToken;
}
export function parseStreamToken(value: unknown): StreamToken {
  return parseToken("sps", value) as StreamToken;
}
export function parseRefreshToken(value: unknown): RefreshToken {
  return parseToken("spr", value) as RefreshToken;
}
export function parseSessionSecret(value: unknown): SessionSecret {
  return parseToken("spb", value) as SessionSecret;
}
export function parseOneUseCode(value: unknown): OneUseCode {
  return parseToken("spc", value) as OneUseCode;
}

/** The kind of token that a text claims to be by its prefix; undefined for anything else. */
export function tokenKind(value: string): TokenKind | undefined {
  const prefix = value.slice(0, 3);
  return value[3] === "_" && Object.hasOwn(WORDS, prefix) ? (prefix as TokenKind) : undefined;
}

/** Lower-case hex SHA-256 of the whole token: what the gateway stores and looks up by. */
export function hashToken(token: Token<TokenKind>): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Compares two hashes in constant time. */
export function equalHashes(a: string, b: string): boolean {
  const x = Buffer.from(a, "hex");
  const y = Buffer.from(b, "hex");
  return x.length === y.length && x.length > 0 && timingSafeEqual(x, y);
}

/** Replaces everything in `text` that looks like a token by its prefix and `…`. */
export function redactTokens(text: string): string {
  return text.replace(TOKEN_PATTERN, (token) => `${token.slice(0, 4)}…`);
}

/** The same, and removes user names and passwords from URLs, such as those of proxies. */
export function redactSecrets(text: string): string {
  return redactTokens(text).replace(/(\b(?:https?|socks[45]?[ah]?):\/\/)[^\s/]{1,600}@/gi, "$1…@");
}

/** The token of an `Authorization: Bearer …` header (RFC 6750 §2.1), unparsed; undefined if there is none. */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 1024) return undefined;
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
}

function newToken(kind: TokenKind): string {
  const secret = encode(randomBytes(32), SECRET_LENGTH);
  return `${kind}_${secret}${checksum(kind, secret)}`;
}

function parseToken(kind: TokenKind, value: unknown): string {
  if (typeof value === "string" && value.length < 80 && value.startsWith(`${kind}_`) && form.test(value)) {
    const secret = value.slice(4, 4 + SECRET_LENGTH);
    if (checksum(kind, secret) === value.slice(4 + SECRET_LENGTH)) return value;
  }
  throw new ProtocolError(
    "bad_token",
    `This is not ${WORDS[kind]} (${kind}_…): it may be cut off or mistyped.`,
    {
      field: "token",
    },
  );
}

function checksum(kind: TokenKind, secret: string): string {
  const hash = createHash("sha256").update(`${kind}_${secret}`).digest();
  return encode(hash.subarray(0, 4), CHECK_LENGTH);
}

function encode(bytes: Uint8Array, length: number): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (let i = 0; i < length; i++) {
    text = `${digits[Number(value % 62n)]}${text}`;
    value /= 62n;
  }
  return text;
}
