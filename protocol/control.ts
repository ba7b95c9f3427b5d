// The control connection between a host and its gateway: JSON text messages on a WebSocket, one object each.
//
//   gateway → host   challenge            once, first
//   host → gateway   register             once, signed with the host key by which the workspace will be known
//   gateway → host   registered | error   after `error` the gateway closes the connection
//   then             open, standby, keys, goaway (gateway), refuse (host), ping, pong (both)
//
// For each `open` the host dials PATHS.stream with the stream token; see docs/architecture.md.

import { type Static, type TSchema, Type } from "typebox";
import { ProtocolError } from "./errors.ts";
import { MAX_CONTROL_BYTES, MAX_PUSHED_KEYS } from "./limits.ts";
import { matches } from "./schema-check.ts";
import { MAX_BROWSER_URL } from "./values/browser-url.ts";
import {
  Base64Text,
  ClientAddressText,
  Code,
  GatewayUrlText,
  KeyLine,
  NameText,
  Nullable,
  PrintableText,
  SshAddressObject,
  WorkspaceIdText,
  whatIsWrong,
} from "./values/fields.ts";
import { MAX_FOLDER } from "./values/folder.ts";
import { printable } from "./values/printable.ts";

export const CONTROL_VERSION = 1;
/** A challenge of this version or a later one accepts `proofs`. Older gateways send 1; older hosts ignore the version. */
export const TAKES_PROOFS = 2;

const closed = { additionalProperties: false } as const;
/** What brings a client in: a companion (`tunnel`), `ssh -J` (`jump`), or the gateway itself for a person whom it has
 * signed in (`session`). */
export const StreamVia = Type.Union([Type.Literal("tunnel"), Type.Literal("jump"), Type.Literal("session")]);
export type StreamVia = Static<typeof StreamVia>;
const StreamTokenText = Type.String({ pattern: "^sps_[0-9A-Za-z]+$", maxLength: 80 });

/** A key that may sign in at the host, with the account that it belongs to. */
const PushedKey = Type.Object({ publicKey: KeyLine, account: NameText }, closed);

const Challenge = Type.Object(
  {
    type: Type.Literal("challenge"),
    /** TAKES_PROOFS or later: the host may name further keys and prove them. */
    version: Type.Integer({ minimum: 1, maximum: 1000 }),
    /** 32 random bytes, base64. */
    nonce: Base64Text(64),
    /** The gateway's own SSH host keys, which the host pins for certificates. The first one is Ed25519. */
    gatewayKeys: Type.Array(KeyLine, { minItems: 1, maxItems: 8 }),
  },
  closed,
);

const Registered = Type.Object(
  {
    type: Type.Literal("registered"),
    workspace: Type.Object({ id: WorkspaceIdText, name: NameText }, closed),
    account: Nullable(NameText),
    /** Where people reach the gateway by SSH; null if it does not serve SSH. */
    ssh: Nullable(SshAddressObject),
    publicUrl: GatewayUrlText,
    keys: Type.Array(PushedKey, { maxItems: MAX_PUSHED_KEYS }),
  },
  closed,
);

const Open = Type.Object(
  {
    type: Type.Literal("open"),
    stream: StreamTokenText,
    via: StreamVia,
    client: Type.Object({ address: ClientAddressText, account: Nullable(NameText) }, closed),
    /** The client speaks `sallyport.v1.resume`; a host that speaks it too dials back with it. Missing: raw only. */
    resume: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** For a host that keeps a standby stream: dial back now, and wait for the `open` that names this stream. */
const StandbyMessage = Type.Object({ type: Type.Literal("standby"), stream: StreamTokenText }, closed);

const Keys = Type.Object(
  { type: Type.Literal("keys"), keys: Type.Array(PushedKey, { maxItems: MAX_PUSHED_KEYS }) },
  closed,
);
const GoAway = Type.Object({ type: Type.Literal("goaway"), reason: PrintableText(500) }, closed);
const ErrorMessage = Type.Object(
  { type: Type.Literal("error"), code: Code, message: PrintableText(1_000) },
  closed,
);

const Register = Type.Object(
  {
    type: Type.Literal("register"),
    version: Type.Integer({ minimum: 1, maximum: 1000 }),
    name: NameText,
    /** The id of an earlier registration, if the host has one. */
    workspaceId: Nullable(WorkspaceIdText),
    /** In authorized_keys form. The first one signs. */
    hostKeys: Type.Array(KeyLine, { minItems: 1, maxItems: 4 }),
    /** Ed25519 over `registrationPayload`, base64. */
    signature: Base64Text(200),
    /**
     * A signature over `hostKeyPayload` by each further key, in order: SHA-256 for ECDSA (DER), SHA-512 for RSA; base64. An
     * older host sends none, and does not know the error codes `token_bound` and `host_key_held` either.
     */
    proofs: Type.Optional(Type.Array(Base64Text(3_000), { maxItems: 3 })),
    agent: PrintableText(100),
    endToEndOnly: Type.Boolean(),
    ownerTokens: Type.Boolean(),
    /** The host keeps a standby stream, and accepts `standby`. */
    standby: Type.Optional(Type.Boolean()),
    /**
     * What the workspace shows in a browser. Checked by its own validator, as the folder below is, which tells the host's owner
     * what is wrong with it. Sent only if there is one: older gateways refuse fields that they do not know.
     */
    browserUrl: Type.Optional(Type.String({ maxLength: MAX_BROWSER_URL })),
    /** The folder that editors open first. Sent only if there is one. */
    folder: Type.Optional(Type.String({ maxLength: MAX_FOLDER })),
  },
  closed,
);

const Refuse = Type.Object(
  { type: Type.Literal("refuse"), stream: StreamTokenText, message: PrintableText(500) },
  closed,
);
const Ping = Type.Object({ type: Type.Literal("ping") }, closed);
const Pong = Type.Object({ type: Type.Literal("pong") }, closed);

const fromGateway = {
  challenge: Challenge,
  registered: Registered,
  open: Open,
  standby: StandbyMessage,
  keys: Keys,
  goaway: GoAway,
  error: ErrorMessage,
  ping: Ping,
  pong: Pong,
};
const fromHost = { register: Register, refuse: Refuse, ping: Ping, pong: Pong };

export type GatewayMessage = Static<(typeof fromGateway)[keyof typeof fromGateway]>;
export type HostMessage = Static<(typeof fromHost)[keyof typeof fromHost]>;
export type PushedKey = Static<typeof PushedKey>;
export type OpenMessage = Static<typeof Open>;
export type RegisterMessage = Static<typeof Register>;
export type RegisteredMessage = Static<typeof Registered>;
export type ChallengeMessage = Static<typeof Challenge>;

/** @throws ProtocolError `bad_message` or `message_too_large` */
export function parseGatewayMessage(text: string): GatewayMessage {
  return parse(fromGateway, text) as GatewayMessage;
}

/** @throws ProtocolError `bad_message` or `message_too_large` */
export function parseHostMessage(text: string): HostMessage {
  return parse(fromHost, text) as HostMessage;
}

/**
 * Makes a text fit for a control message. It may quote text that others chose, and the receiver refuses messages with control
 * or format characters.
 */
export function messageText(text: string, maxLength = 500): string {
  return printable(text, maxLength);
}

/**
 * What a host signs to register: the gateway's fresh nonce and the gateway key that came with it. This proves to the gateway
 * that the host holds its key. It does not prove to the host which gateway it talks to; TLS does that.
 */
export function registrationPayload(nonce: string, gatewayKey: string): Buffer {
  return Buffer.from(`sallyport-register-v1\0${nonce}\0${gatewayKey}`, "utf8");
}

/** What each further key of a host signs: that it belongs to the host with this first key (authorized_keys form). */
export function hostKeyPayload(nonce: string, gatewayKey: string, firstKey: string): Buffer {
  return Buffer.from(`sallyport-host-key-v1\0${nonce}\0${gatewayKey}\0${firstKey}`, "utf8");
}

function parse(schemas: Readonly<Record<string, TSchema>>, text: string): unknown {
  if (Buffer.byteLength(text) > MAX_CONTROL_BYTES) {
    throw new ProtocolError(
      "message_too_large",
      `A control message must have at most ${MAX_CONTROL_BYTES} bytes.`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError("bad_message", "A control message must be a JSON object.", { cause });
  }
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  const schema = typeof type === "string" && Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema === undefined) {
    throw new ProtocolError("bad_message", "Unknown kind of control message.", { field: "type" });
  }
  if (!matches(schema, value)) {
    throw new ProtocolError(
      "bad_message",
      `The control message ${JSON.stringify(type)} is malformed${whatIsWrong(schema, value)}.`,
    );
  }
  return value;
}
