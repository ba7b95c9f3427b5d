import { expect, test } from "vitest";
import { asRefusal } from "../../../../gateway/http/error-response.ts";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { NAME_PATTERN } from "../../../../protocol/values/name.ts";
import { PRINTABLE_PATTERN } from "../../../../protocol/values/printable.ts";

const thrown = (properties: object) => Object.assign(new Error("inner words"), properties);

test("a refusal of ours is sent unchanged", () => {
  const error = new ProtocolError("key_taken", "Taken.", { field: "publicKey" });
  expect(asRefusal(error)).toBe(error);
});

test.each([
  ["required, inside", "required", "/a", { requiredProperties: ["b"] }, "bad_request", "b"],
  ["unknown, at the top", "additionalProperties", "", { additionalProperties: ["b"] }, "bad_request", "b"],
  ["wrong type in a list", "type", "/scopes/0", { type: "string" }, "bad_request", "scopes"],
  ["a name's pattern", "pattern", "/name", { pattern: NAME_PATTERN }, "bad_name", "name"],
  ["another pattern", "pattern", "/before", { pattern: "^x$" }, "bad_request", "before"],
  ["the whole body", "type", "", { type: "object" }, "bad_request", undefined],
])("a schema's refusal names the field: %s", (_case, keyword, instancePath, params, code, field) => {
  const validation = [
    { keyword: "boolean", instancePath: "/x", params: {}, message: "schema is false" },
    { keyword, instancePath, params, message: "must be right" },
  ];
  const refusal = asRefusal(thrown({ validation, validationContext: "body" }));
  expect(refusal).toMatchObject({ code });
  expect(refusal.field).toBe(field);
});

test("a text with invisible characters is refused with a sentence", () => {
  const validation = [
    {
      keyword: "pattern",
      instancePath: "/title",
      params: { pattern: PRINTABLE_PATTERN },
      message: "must match",
    },
  ];
  expect(asRefusal(thrown({ validation, validationContext: "body" })).message).toBe(
    "title contains characters that are not visible, such as control characters or joiners: leave them out.",
  );
});

test("the name of an unknown field is cut to a bounded length", () => {
  const params = { additionalProperties: ["x".repeat(5000)] };
  const validation = [{ keyword: "additionalProperties", instancePath: "", params }];
  expect(asRefusal(thrown({ validation })).message.length).toBeLessThan(200);
});

test.each([
  [{ code: "FST_ERR_CTP_BODY_TOO_LARGE", statusCode: 413 }, "message_too_large"],
  [{ code: "FST_ERR_CTP_INVALID_MEDIA_TYPE", statusCode: 415 }, "unsupported_media_type"],
  [{ code: "FST_ERR_CTP_INVALID_JSON_BODY", statusCode: 400 }, "bad_request"],
  [{ code: "FST_ERR_SOMETHING_NEW", statusCode: 422 }, "bad_request"],
  [{ statusCode: 503 }, "internal"],
  [{}, "internal"],
])("an error %j of a library becomes %s, without its own message", (properties, code) => {
  const refusal = asRefusal(thrown(properties));
  expect(refusal.code).toBe(code);
  expect(JSON.stringify(refusal.toBody())).not.toContain("inner words");
});
