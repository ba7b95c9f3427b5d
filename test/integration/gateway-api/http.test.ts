import { once } from "node:events";
import { connect } from "node:net";
import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { Check } from "typebox/value";
import { expect, test } from "vitest";
import { Discovery } from "../../../protocol/api.ts";
import { MAX_BODY_BYTES } from "../../../protocol/limits.ts";
import { testGateway } from "../../support/test-gateway.ts";

const refusal = (status: number, code: string, field?: string) => ({
  status,
  body: { code, message: expect.any(String), ...(field === undefined ? {} : { field }) },
});
const json = { "content-type": "application/json" };

test("requests that Fastify itself refuses get a code and a message too", async () => {
  const { raw, call, admin } = await testGateway();
  expect(await call("GET", "/nothing", admin)).toMatchObject(refusal(404, "not_found"));
  expect(await call("PUT", "/keys", admin, {})).toMatchObject(refusal(404, "not_found"));
  expect(await raw("GET", "/%zz")).toMatchObject(refusal(400, "bad_url"));
  expect(await raw("GET", `/api/v1/workspaces/${"x".repeat(500)}`, admin)).toMatchObject(
    refusal(400, "bad_request"),
  );
  const post = (body: string, headers: Record<string, string> = json) =>
    raw("POST", "/api/v1/keys", admin, { body, headers });
  expect(await post("{")).toMatchObject(refusal(400, "bad_request"));
  expect(await post("")).toMatchObject(refusal(400, "bad_request"));
  expect(await post("[]")).toMatchObject(refusal(400, "bad_request"));
  expect(await post('{"__proto__":{"x":1}}')).toMatchObject(refusal(400, "bad_request"));
  expect(await post("x", { "content-type": "text/plain" })).toMatchObject(
    refusal(415, "unsupported_media_type"),
  );
  expect(await post("a=b", { "content-type": "application/x-www-form-urlencoded" })).toMatchObject(
    refusal(415, "unsupported_media_type"),
  );
  expect(await post(`{"publicKey":"${"x".repeat(MAX_BODY_BYTES)}"}`)).toMatchObject(
    refusal(413, "message_too_large"),
  );
});

test("bytes that are not HTTP, and endless headers, are answered in the same form", async () => {
  const { gateway } = await testGateway();
  const talk = async (text: string): Promise<string> => {
    const socket = connect(Number(new URL(gateway.httpUrl).port), "127.0.0.1");
    let answer = "";
    socket.setEncoding("utf8").on("data", (data) => {
      answer += data;
    });
    socket.on("error", () => undefined);
    socket.write(text);
    await once(socket, "close");
    return answer;
  };
  expect(await talk("SSH-2.0-OpenSSH_9.2\r\n\r\n")).toMatch(/^HTTP\/1.1 400 .*"code":"bad_request"/s);
  expect(await talk(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431 .*"code":"message_too_large"/s,
  );
});

test("an internal error is logged, and the client gets no details of it", async () => {
  const { call, admin, gateway, logLines } = await testGateway();
  gateway.store.accounts.list = async () => {
    throw new Error("secret detail");
  };
  const answer = await call("GET", "/accounts", admin);
  expect(answer).toMatchObject(refusal(500, "internal"));
  expect(JSON.stringify(answer.body)).not.toContain("secret detail");
  expect(logLines.join("")).toContain("secret detail");
});

test("the discovery document says how to reach the gateway, and contains its host keys", async () => {
  const { raw, gateway } = await testGateway({ open: true });
  const { status, body } = await raw("GET", "/.well-known/sallyport");
  expect(status).toBe(200);
  expect(Check(Discovery, body)).toBe(true);
  expect(body).toMatchObject({
    publicUrl: gateway.httpUrl,
    tunnelUrl: `${gateway.httpUrl.replace("http", "ws")}/tunnel`,
    hostKeys: gateway.hostKeys.publicKeys,
    openRegistration: true,
  });
});

const Operation = Type.Object({
  operationId: Type.String(),
  summary: Type.String(),
  parameters: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        in: Type.Union([Type.Literal("path"), Type.Literal("query")]),
        required: Type.Boolean(),
        schema: Type.Object({}),
      }),
    ),
  ),
  requestBody: Type.Optional(Type.Object({ content: Type.Record(Type.String(), Type.Object({})) })),
  responses: Type.Record(
    Type.String({ pattern: "^([1-5][0-9][0-9]|[1-5]XX|default)$" }),
    Type.Object({ description: Type.String() }),
    { additionalProperties: false },
  ),
});
const Document = Type.Object({
  openapi: Type.Literal("3.1.0"),
  info: Type.Object({ title: Type.String(), version: Type.String() }),
  paths: Type.Record(Type.String({ pattern: "^/" }), Type.Record(Type.String(), Operation)),
  components: Type.Object({ securitySchemes: Type.Object({}) }),
});

test("the OpenAPI document is of version 3.1, consistent, and lists every route", async () => {
  const { raw } = await testGateway();
  const { body } = await raw("GET", "/api/v1/openapi.json");
  expect([...Compile(Document).Errors(body)]).toEqual([]);
  const routes: string[] = [];
  const ids = new Set<string>();
  for (const [path, operations] of Object.entries<Record<string, Static<typeof Operation>>>(body.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      routes.push(`${method} ${path}`);
      expect(ids.has(operation.operationId)).toBe(false);
      ids.add(operation.operationId);
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(inPath.map((parameter) => `{${parameter.name}}`)).toEqual(path.match(/\{[^}]+\}/g) ?? []);
      // Every path parameter has a pattern, which allows neither a slash nor a character outside ASCII.
      for (const { name, schema } of inPath) {
        expect({ path, name, schema }).toMatchObject({
          schema: { type: "string", pattern: expect.any(String) },
        });
        const { pattern } = schema as { pattern: string };
        for (const bad of ["", "../x", "a b", "%2e", "ä", "a\n"])
          expect(new RegExp(pattern, "u").test(bad)).toBe(false);
      }
    }
  }
  for (const schema of schemasIn(body.paths)) Compile(schema);
  // A new route belongs into this file, deliberately: `npx vitest run test/integration/gateway-api/http -u`.
  await expect(`${routes.sort().join("\n")}\n`).toMatchFileSnapshot("routes.txt");
});

test("behind a trusted proxy the log has the client's address and the route, without query or token", async () => {
  const { raw, admin, logLines } = await testGateway({ trustProxy: ["loopback"] });
  await raw("GET", `/api/v1/workspaces/box?token=${admin}`, admin, {
    headers: { "x-forwarded-for": "203.0.113.9, 192.0.2.1" },
  });
  const line = logLines.map((text) => JSON.parse(text)).find((entry) => entry.msg === "request");
  expect(line).toMatchObject({
    method: "GET",
    route: "/api/v1/workspaces/:ref",
    status: 404,
    address: "192.0.2.1",
    code: "workspace_unknown",
  });
  expect(logLines.join("")).not.toMatch(/sp[tos]_[0-9A-Za-z]{10}/);
  expect(logLines.join("")).not.toContain("token=");
});

test("metrics have their own address, and count requests and refusals", async () => {
  const { call, raw, gateway } = await testGateway({ metrics: { host: "127.0.0.1", port: 0 } });
  await call("GET", "/me");
  const text = await (await fetch(gateway.metricsUrl ?? "")).text();
  expect(text).toContain('sallyport_api_requests_total{method="GET",route="/api/v1/me",status="401"} 1');
  expect(text).toContain('sallyport_refusals_total{code="unauthenticated"} 1');
  expect(text).toMatch(/^sallyport_sessions 0$/m);
  expect(text).toMatch(/^sallyport_streams 0$/m);
  expect(text).toMatch(/^process_cpu_seconds_total /m);
  expect((await raw("GET", "/metrics")).status).toBe(404);
  expect((await fetch(new URL("/api/v1/me", gateway.metricsUrl ?? ""))).status).toBe(404);
});

function* schemasIn(value: unknown): Generator<TSchema> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "schema") yield inner;
    yield* schemasIn(inner);
  }
}
