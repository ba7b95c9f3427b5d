// Requests for the operations of an OpenAPI document, valid ones and others, with every kind of credential.

import fc, { type Arbitrary } from "fast-check";
import { fitting, oddText, type Schema, spoilt } from "./values.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: Schema;
}

export interface Operation {
  readonly method: string;
  /** With the parameters in braces. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The schemas of the body by media type; undefined: it takes none. */
  readonly body: Readonly<Record<string, Schema>> | undefined;
}

export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly who: Who;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const WHO = ["admin token", "token", "admin browser", "browser", "nobody", "nonsense"] as const;
export type Who = (typeof WHO)[number];

/** @param document as /api/v1/openapi.json gives it */
export function operationsOf(document: { readonly paths: Readonly<Record<string, Schema>> }): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as Readonly<Record<string, Schema>>).map(([method, operation]) => {
      const content = (operation.requestBody as { content?: Record<string, { schema: Schema }> } | undefined)
        ?.content;
      return {
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []) as readonly Parameter[],
        body:
          content === undefined
            ? undefined
            : Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, schema ?? {}])),
      };
    }),
  );
}

/** @param known ids and names that exist */
export function requestsFor(operation: Operation, known: readonly string[]): Arbitrary<FuzzRequest> {
  return fc
    .record({
      method: rarely(
        fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"),
        operation.method,
      ),
      path: pathsOf(operation, known),
      // Most requests should reach the operation itself.
      who: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...WHO.slice(0, 4)) },
        { weight: 1, arbitrary: fc.constantFrom(...WHO) },
      ),
      odd: oddHeaders,
      body: bodiesOf(operation, known),
    })
    .map(({ method, path, who, odd, body }) => ({
      method,
      path,
      who,
      headers: { ...(body === undefined ? {} : { "content-type": body.type }), ...odd },
      body: body?.text,
    }));
}

function pathsOf({ path, parameters }: Operation, known: readonly string[]): Arbitrary<string> {
  const of = (place: string) => parameters.filter((parameter) => parameter.in === place);
  const segments = of("path").map(({ name, schema }) =>
    often(fitting(schema, known).map(String), oddText.map(wellFormed)).map((value): [string, string] => [
      name,
      encodeURIComponent(wellFormed(value)),
    ]),
  );
  const query = of("query").map(({ name, schema }) =>
    fc
      .option(often(fitting(schema, known).map(String), oddText), { nil: undefined })
      .map((value) => (value === undefined ? [] : [`${name}=${encodeURIComponent(wellFormed(value))}`])),
  );
  const more = rarely(
    fc.constantFrom("unknown=1", "limit=1&limit=2", "__proto__=1", "a[b]=1", "%", "&&=="),
    "",
  );
  return fc.tuple(fc.tuple(...segments), fc.tuple(...query), more).map(([values, parts, extra]) => {
    const filled = values.reduce(
      (text, [name, value]) => text.replace(`{${name}}`, () => value || "%20"),
      path,
    );
    const text = [...parts.flat(), ...(extra === "" ? [] : [extra])].join("&");
    return text === "" ? filled : `${filled}?${text}`;
  });
}

interface Body {
  readonly type: string;
  readonly text: string;
}

function bodiesOf({ body, method }: Operation, known: readonly string[]): Arbitrary<Body | undefined> {
  const junk: Arbitrary<Body | undefined> = fc.record({
    type: fc.constantFrom(
      ...[
        "application/json",
        "application/json; charset=utf-16",
        "text/plain",
        "application/x-www-form-urlencoded",
      ],
      ...["multipart/form-data", "application/scim+json", "", "x", "application/json, text/plain"],
    ),
    text: fc.oneof(
      oddText,
      fc.constantFrom(
        "",
        "null",
        "[]",
        "{}",
        "{",
        '{"a":1,"a":2}',
        "\ufeff{}",
        '{"__proto__":{"admin":true}}',
        "1e999",
      ),
      // Nested deeper than programs like.
      fc.constantFrom("[", '{"a":').map((open) => open.repeat(20_000)),
      fc.constant(`{"name":"${"x".repeat(200_000)}"}`),
    ),
  });
  if (body === undefined) {
    return method === "GET" ? fc.constant(undefined) : rarely(junk, undefined);
  }
  const meant = fc.oneof(
    ...Object.entries(body).map(([type, schema]) => {
      const good = fitting(schema, known);
      return fc
        .oneof({ weight: 3, arbitrary: good }, { weight: 2, arbitrary: spoilt(good) })
        .map(
          (value): Body => ({ type, text: type.includes("form") ? formOf(value) : JSON.stringify(value) }),
        );
    }),
  );
  return fc.oneof<Arbitrary<Body | undefined>[]>(
    { weight: 8, arbitrary: meant } as never,
    { weight: 1, arbitrary: junk } as never,
    { weight: 1, arbitrary: fc.constant(undefined) } as never,
  );
}

function formOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(
      ([name, each]) =>
        `${encodeURIComponent(wellFormed(name))}=${encodeURIComponent(wellFormed(String(each)))}`,
    )
    .join("&");
}

const oddHeaders: Arbitrary<Record<string, string>> = rarely(
  fc.constantFrom<Record<string, string>>(
    {
      "x-forwarded-for": "evil, 127.0.0.1",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "javascript",
    },
    { forwarded: 'for="[::1]";host=evil', "x-original-host": "evil", "x-http-method-override": "DELETE" },
    { host: "evil.example:99999" },
    { cookie: "__Host-sp_session=a; __Host-sp_session=b; =; ;;" },
    { cookie: `__Host-sp_session=spb_${"0".repeat(49)}` },
    { authorization: "Bearer" },
    { authorization: "Basic YTpi" },
    { origin: "null", "sec-fetch-site": "cross-site" },
    { origin: "https://evil.example" },
    {
      accept: "text/html, */*;q=0.1",
      "accept-language": "x".repeat(5_000),
      "if-none-match": "*",
      range: "bytes=0-",
    },
    { "last-event-id": "\u00ff\u00fe", "user-agent": "" },
    { expect: "x-something" },
  ),
  {},
);

/** HTTP cannot bear half of a surrogate pair. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

function rarely<T>(odd: Arbitrary<T>, normal: T): Arbitrary<T> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(normal) }, { weight: 1, arbitrary: odd });
}

function often<T>(normal: Arbitrary<T>, odd: Arbitrary<T>): Arbitrary<T> {
  return fc.oneof({ weight: 5, arbitrary: normal }, { weight: 1, arbitrary: odd });
}
