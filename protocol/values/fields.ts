// The fields of the API's documents and of the control messages. Each kind of value has one schema, with its validator's
// pattern. Values are checked with these where they enter, and parsed into their branded types where they are used.

import { type TProperties, type TSchema, Type } from "typebox";
import { Errors } from "typebox/value";
import { ERROR_STATUS, type ErrorCode } from "../errors.ts";
import { MAX_KEY_LINE } from "../limits.ts";
import { MAX_BROWSER_URL } from "./browser-url.ts";
import { FOLDER_PATTERN, MAX_FOLDER } from "./folder.ts";
import { GATEWAY_URL_PATTERN, type GatewayUrl, MAX_GATEWAY_URL } from "./gateway-url.ts";
import {
  CLIENT_ADDRESS_PATTERN,
  HOST_NAME_PATTERN,
  type HostName,
  MAX_CLIENT_ADDRESS,
  MAX_HOST_NAME,
  type Port,
} from "./host-name.ts";
import { ID_PATTERN } from "./id.ts";
import { NAME_PATTERN, WORKSPACE_REF_PATTERN } from "./name.ts";
import { PRINTABLE_PATTERN, printable } from "./printable.ts";
import { FINGERPRINT_PATTERN, KEY_LINE_PATTERN } from "./ssh-public-key.ts";

/** An object with these properties and no others. */
export const closedObject = <T extends TProperties>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const NameText = Type.String({ pattern: NAME_PATTERN, maxLength: 40 });
export const WorkspaceRefText = Type.String({
  pattern: WORKSPACE_REF_PATTERN,
  maxLength: 100,
  description: "A name, name.owner, or an id (ws_…).",
});
export const AccountIdText = Type.String({ pattern: ID_PATTERN.account, maxLength: 40 });
export const WorkspaceIdText = Type.String({ pattern: ID_PATTERN.workspace, maxLength: 40 });
export const KeyIdText = Type.String({ pattern: ID_PATTERN.key, maxLength: 40 });
export const TokenIdText = Type.String({ pattern: ID_PATTERN.token, maxLength: 40 });
export const IdentityIdText = Type.String({ pattern: ID_PATTERN.identity, maxLength: 40 });
export const PasskeyIdText = Type.String({ pattern: ID_PATTERN.passkey, maxLength: 40 });
export const InvitationIdText = Type.String({ pattern: ID_PATTERN.invitation, maxLength: 40 });
export const ConnectionIdText = Type.String({ pattern: ID_PATTERN.connection, maxLength: 40 });
export const Time = Type.String({ format: "date-time", maxLength: 40 });

/** Text for people: one line without control or format characters. */
export const PrintableText = (maxLength: number) => Type.String({ pattern: PRINTABLE_PATTERN, maxLength });
/** A word that programs compare, such as `jump` or `sallyport.v1.raw`. */
export const Keyword = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._+-]*$", maxLength: 100 });
export const Base64Text = (maxLength: number) =>
  Type.String({ pattern: "^[A-Za-z0-9+/]+={0,2}$", maxLength });

/** A public key: type, base64 and a comment, without options. */
export const KeyLine = Type.String({ pattern: KEY_LINE_PATTERN, maxLength: MAX_KEY_LINE });
export const FingerprintText = Type.String({ pattern: FINGERPRINT_PATTERN, maxLength: 60 });
export const FolderText = Type.String({ pattern: FOLDER_PATTERN, maxLength: MAX_FOLDER });
/** Its form only; `parseBrowserUrl` decides. */
export const BrowserUrlText = Type.String({
  pattern: "^https?://[^\\p{Cc}\\p{Cf}\\p{Z}\\\\]+$",
  maxLength: MAX_BROWSER_URL,
});
export const GatewayUrlText = Type.Unsafe<GatewayUrl>({
  type: "string",
  pattern: GATEWAY_URL_PATTERN,
  maxLength: MAX_GATEWAY_URL,
});
/** A ws or wss URL below the gateway's. */
export const WebSocketUrlText = Type.String({
  pattern: GATEWAY_URL_PATTERN.replace("^https?", "^wss?"),
  maxLength: MAX_GATEWAY_URL + 20,
});
export const HostNameText = Type.Unsafe<HostName>({
  type: "string",
  pattern: HOST_NAME_PATTERN,
  maxLength: MAX_HOST_NAME,
});
const PortNumber = Type.Unsafe<Port>({ type: "integer", minimum: 1, maximum: 65_535 });
/** Where people reach a gateway by SSH. */
export const SshAddressObject = closedObject({ host: HostNameText, port: PortNumber });
export const ClientAddressText = Type.String({
  pattern: CLIENT_ADDRESS_PATTERN,
  maxLength: MAX_CLIENT_ADDRESS,
});
export const Code = Type.Unsafe<ErrorCode>({ type: "string", enum: Object.keys(ERROR_STATUS) });

/** For a message, ` (ssh/host)`: the first field of `value` that does not match; empty if that is the value as a whole. */
export function whatIsWrong(schema: TSchema, value: unknown): string {
  const paths = Errors(schema, value).map(({ instancePath }) => instancePath);
  // A nullable object fails as an object and as null; the deepest path names the field.
  const deepest = paths.toSorted((a, b) => b.split("/").length - a.split("/").length)[0] ?? "";
  return deepest === "" ? "" : ` (${printable(deepest.slice(1), 100)})`;
}
