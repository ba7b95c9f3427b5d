// Ids that the gateway generates. The id of an accountless workspace is also its secret, so every id has 130 random bits: 26
// characters of base32 after a prefix that names its kind.

import { randomBytes } from "node:crypto";
import { ProtocolError } from "../errors.ts";

declare const brand: unique symbol;
type Id<K extends string> = string & { readonly [brand]: K };

export type WorkspaceId = Id<"WorkspaceId">;
export type AccountId = Id<"AccountId">;
export type KeyId = Id<"KeyId">;
export type TokenId = Id<"TokenId">;
export type IdentityId = Id<"IdentityId">;
export type PasskeyId = Id<"PasskeyId">;
export type InvitationId = Id<"InvitationId">;
export type ConnectionId = Id<"ConnectionId">;

const LENGTH = 26;
const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

export const ID_PATTERN = {
  workspace: `^ws_[a-z2-7]{${LENGTH}}$`,
  account: `^acc_[a-z2-7]{${LENGTH}}$`,
  key: `^key_[a-z2-7]{${LENGTH}}$`,
  token: `^tok_[a-z2-7]{${LENGTH}}$`,
  identity: `^idt_[a-z2-7]{${LENGTH}}$`,
  passkey: `^pk_[a-z2-7]{${LENGTH}}$`,
  invitation: `^inv_[a-z2-7]{${LENGTH}}$`,
  connection: `^con_[a-z2-7]{${LENGTH}}$`,
} as const;

function parser<K extends string>(kind: keyof typeof ID_PATTERN): (value: unknown, field?: string) => Id<K> {
  const regExp = new RegExp(ID_PATTERN[kind]);
  return (value, field = "id") => {
    if (typeof value === "string" && value.length < 40 && regExp.test(value)) return value as Id<K>;
    throw new ProtocolError(
      "bad_id",
      `${field} is not the id of a${/^[aeio]/.test(kind) ? "n" : ""} ${kind}.`,
      {
        field,
      },
    );
  };
}

/** Each throws ProtocolError `bad_id` with `field`. */
export const parseWorkspaceId = parser<"WorkspaceId">("workspace");
export const parseAccountId = parser<"AccountId">("account");
export const parseKeyId = parser<"KeyId">("key");
export const parseTokenId = parser<"TokenId">("token");
export const parseIdentityId = parser<"IdentityId">("identity");
export const parsePasskeyId = parser<"PasskeyId">("passkey");
export const parseInvitationId = parser<"InvitationId">("invitation");
export const parseConnectionId = parser<"ConnectionId">("connection");

export const newWorkspaceId = (): WorkspaceId => parseWorkspaceId(`ws_${random()}`);
export const newAccountId = (): AccountId => parseAccountId(`acc_${random()}`);
export const newKeyId = (): KeyId => parseKeyId(`key_${random()}`);
export const newTokenId = (): TokenId => parseTokenId(`tok_${random()}`);
export const newIdentityId = (): IdentityId => parseIdentityId(`idt_${random()}`);
export const newPasskeyId = (): PasskeyId => parsePasskeyId(`pk_${random()}`);
export const newInvitationId = (): InvitationId => parseInvitationId(`inv_${random()}`);
export const newConnectionId = (): ConnectionId => parseConnectionId(`con_${random()}`);

function random(): string {
  let text = "";
  for (const byte of randomBytes(LENGTH)) text += alphabet[byte & 31];
  return text;
}
