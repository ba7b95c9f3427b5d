// The messages between the primary and its workers. Both are the same program, but every message is checked
// on arrival, so that a mistake shows at once instead of in its consequences.

import { type Static, type TSchema, Type } from "typebox";
import { StreamVia } from "../../protocol/control.ts";
import { matches } from "../../protocol/schema-check.ts";
import { Code, Nullable } from "../../protocol/values/fields.ts";
import { AccountIdSchema, TokenIdSchema, WorkspaceIdSchema } from "../../protocol/values/id-schema.ts";
import type { StreamToken } from "../../protocol/values/token.ts";
import type { SessionKey } from "../upterm/sessions.ts";
import { News } from "./news.ts";
import { SiblingAnswer, SiblingQuestion } from "./sibling-question.ts";

const closed = { additionalProperties: false } as const;
const object = <P extends Record<string, TSchema>>(properties: P) => Type.Object(properties, closed);
const text = (maxLength: number) => Type.String({ maxLength });
const count = Type.Integer({ minimum: 0 });
const slot = Type.Integer({ minimum: 0, maximum: 255 });
/** Pairs a question with its answer. */
const request = count;

const SessionKeyText = Type.Unsafe<SessionKey>({ type: "string", pattern: "^upterm_[0-9a-f]{64}$" });
/** A workspace, or an upterm session. */
const RouteIdText = Type.Union([WorkspaceIdSchema, SessionKeyText]);
const StreamTokenText = Type.Unsafe<StreamToken>({ type: "string", pattern: "^sps_[0-9A-Za-z]{49}$" });
/** `<worker>.<number>`. A worker's number is never used again, so a claim names one link for ever. */
const Claim = Type.String({ pattern: "^[0-9]+\\.[0-9]+$", maxLength: 40 });
const LinkEnd = Type.Union([Type.Literal("left"), Type.Literal("cut")]);
const Address = object({ host: text(255), port: Type.Integer({ minimum: 0, maximum: 65_535 }) });
const PushedKey = object({ publicKey: text(8 * 1024), account: text(40) });

const Route = object({
  id: RouteIdText,
  claim: Claim,
  slot,
  /** Milliseconds since 1970. */
  since: count,
  address: text(100),
  credential: Nullable(object({ accountId: AccountIdSchema, tokenId: TokenIdSchema })),
  hostKeys: Type.Array(text(8 * 1024), { maxItems: 16 }),
  /** The host's clock minus the gateway's, in ms. */
  clockAhead: Type.Optional(Type.Integer()),
  /** Only for an upterm session: how new it is, and the keys that may join (base64); null: every key. */
  session: Type.Optional(
    object({
      generation: Type.String({ pattern: "^[0-9]{1,20}$" }),
      allowed: Nullable(Type.Array(text(8 * 1024), { maxItems: 1_000 })),
    }),
  ),
});

/** A key that a worker lends to a workspace; `loan` is the worker's number for it. */
const loan = { loan: count, id: WorkspaceIdSchema, key: PushedKey, until: Nullable(count) };

/** What a worker asks of a link that another worker holds. */
const Wish = Type.Union([
  object({
    kind: Type.Literal("stream"),
    token: StreamTokenText,
    via: StreamVia,
    client: object({ address: text(100), account: Nullable(text(40)) }),
    resume: Type.Boolean(),
  }),
  object({ kind: Type.Literal("probe"), request, ms: count }),
  object({ kind: Type.Literal("close"), code: Code, message: text(1000) }),
]);

const fromWorker = {
  /** The worker listens to messages. The primary answers `welcome`; all other messages follow that. */
  hello: object({ type: Type.Literal("hello") }),
  ready: object({ type: Type.Literal("ready"), http: Type.String(), ssh: Nullable(Address) }),
  failed: object({ type: Type.Literal("failed"), stage: text(20), message: text(10_000) }),
  claim: object({ type: Type.Literal("claim"), route: Route }),
  release: object({ type: Type.Literal("release"), id: RouteIdText, claim: Claim, how: LinkEnd }),
  /** How many streams this worker has open by a link, its own or another's. */
  streams: object({ type: Type.Literal("streams"), id: RouteIdText, claim: Claim, count }),
  wish: object({ type: Type.Literal("wish"), id: RouteIdText, claim: Claim, wish: Wish }),
  refused: object({
    type: Type.Literal("refused"),
    to: slot,
    id: RouteIdText,
    claim: Claim,
    token: StreamTokenText,
    code: Code,
    message: text(500),
  }),
  probed: object({ type: Type.Literal("probed"), to: slot, request, alive: Type.Boolean() }),
  lend: object({ type: Type.Literal("lend"), ...loan }),
  "take-back": object({ type: Type.Literal("take-back"), loan: count }),
  turn: object({ type: Type.Literal("turn"), request, name: text(200) }),
  "turn-over": object({ type: Type.Literal("turn-over"), request }),
  sync: object({ type: Type.Literal("sync"), request }),
  news: object({ type: Type.Literal("news"), news: News }),
  /** Comes with a connection; `bytes` (base64) were read from it already. */
  handover: object({ type: Type.Literal("handover"), to: slot, bytes: text(200_000) }),
  question: object({ type: Type.Literal("question"), request, question: SiblingQuestion }),
  answer: object({ type: Type.Literal("answer"), to: slot, request, answer: SiblingAnswer }),
  metrics: object({ type: Type.Literal("metrics"), request, metrics: Type.Array(Type.Object({})) }),
};

const fromPrimary = {
  welcome: object({
    type: Type.Literal("welcome"),
    worker: count,
    slot,
    count: Type.Integer({ minimum: 2, maximum: 256 }),
    /** Where workers listen for each other. */
    directory: Type.String(),
    routes: Type.Array(Route),
  }),
  route: object({ type: Type.Literal("route"), route: Route }),
  "route-gone": object({ type: Type.Literal("route-gone"), id: RouteIdText, claim: Claim, how: LinkEnd }),
  streams: object({ type: Type.Literal("streams"), id: RouteIdText, claim: Claim, slot, count }),
  fenced: object({ type: Type.Literal("fenced"), id: RouteIdText, claim: Claim }),
  wish: object({ type: Type.Literal("wish"), from: slot, claim: Claim, wish: Wish }),
  refused: object({
    type: Type.Literal("refused"),
    id: RouteIdText,
    claim: Claim,
    token: StreamTokenText,
    code: Code,
    message: text(500),
  }),
  probed: object({ type: Type.Literal("probed"), request, alive: Type.Boolean() }),
  lent: object({ type: Type.Literal("lent"), slot, ...loan }),
  "taken-back": object({ type: Type.Literal("taken-back"), slot, loan: count }),
  turn: object({ type: Type.Literal("turn"), request }),
  synced: object({ type: Type.Literal("synced"), request }),
  news: object({ type: Type.Literal("news"), news: News }),
  handover: object({ type: Type.Literal("handover"), bytes: text(200_000) }),
  question: object({ type: Type.Literal("question"), from: slot, request, question: SiblingQuestion }),
  /** So many others were asked. Their answers follow. */
  asked: object({ type: Type.Literal("asked"), request, others: count }),
  answer: object({ type: Type.Literal("answer"), request, answer: SiblingAnswer }),
  metrics: object({ type: Type.Literal("metrics"), request }),
  /** The worker in this slot takes connections. */
  "worker-ready": object({ type: Type.Literal("worker-ready"), slot }),
  /** The worker in this slot has ended, with all that it held. */
  "worker-gone": object({ type: Type.Literal("worker-gone"), slot }),
  "reload-tls": object({ type: Type.Literal("reload-tls") }),
  stop: object({ type: Type.Literal("stop") }),
};

export type FromWorker = Static<(typeof fromWorker)[keyof typeof fromWorker]>;
export type FromPrimary = Static<(typeof fromPrimary)[keyof typeof fromPrimary]>;
export type RouteRecord = Static<typeof Route>;
export type RouteId = RouteRecord["id"];
export type LinkWish = Static<typeof Wish>;
export type Welcome = Extract<FromPrimary, { type: "welcome" }>;

/** @throws TypeError */
export function parseFromWorker(value: unknown): FromWorker {
  return parse(fromWorker, value) as FromWorker;
}

/** @throws TypeError */
export function parseFromPrimary(value: unknown): FromPrimary {
  return parse(fromPrimary, value) as FromPrimary;
}

function parse(schemas: Readonly<Record<string, TSchema>>, value: unknown): unknown {
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  const schema = typeof type === "string" && Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema === undefined || !matches(schema, value)) {
    throw new TypeError(`a message between processes is malformed: ${JSON.stringify(type)}`);
  }
  return value;
}
