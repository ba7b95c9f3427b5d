// Values for the schemas of an OpenAPI document: some that fit, and some that are wrong in one place or altogether.

import fc, { type Arbitrary } from "fast-check";

export type Schema = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 6;

/** Texts that programs have stumbled over. */
const ODD_TEXTS: readonly string[] = [
  ...[
    "",
    " ",
    "\0",
    "\ud800",
    "\u202e",
    "\u200d",
    "\ufeff",
    "🙂",
    "ı",
    "İ",
    "ß",
    "\r\nx: y",
    "%00",
    "%",
    "..",
    "../..",
    "//e",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "null",
    "undefined",
    "NaN",
    "-0",
    "1e309",
    "' or 1=1 --",
    "{{7*7}}",
    "$7",
  ],
  ...[
    "<script>",
    "javascript:x",
    "a".repeat(300),
    "a".repeat(70_000),
    "9999-12-31T23:59:59-23:59",
    "2026-02-30T00:00:00Z",
  ],
];
const ODD_NUMBERS: readonly number[] = [
  -0,
  -1,
  0.5,
  2 ** 31,
  2 ** 53,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  1e-320,
];

export const oddText: Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: "binary", maxLength: 50 }),
);

const oddValue: Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom<unknown>(...ODD_NUMBERS),
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], { length: -1 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values that fit the schema, as far as it can be said; `known` are ids and names that exist. */
export function fitting(schema: Schema, known: readonly string[], depth = 0): Arbitrary<unknown> {
  if (depth > MAX_DEPTH) return oddValue;
  const inner = (part: unknown) => fitting(part as Schema, known, depth + 1);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom<unknown>(...schema.enum);
  const parts = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(parts)) return fc.oneof(...parts.map(inner));
  switch (schema.type) {
    case "string":
      return texts(schema, known);
    case "integer":
      return fc.integer({ min: numberOf(schema.minimum, -5), max: numberOf(schema.maximum, 1_000) });
    case "number":
      return fc.double({ noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      if (schema.uniqueItems === true) {
        return fc.uniqueArray(inner(schema.items ?? {}), {
          minLength: numberOf(schema.minItems, 0),
          maxLength: 4,
          selector: (item) => JSON.stringify(item),
        });
      }
      return fc.array(inner(schema.items ?? {}), { minLength: numberOf(schema.minItems, 0), maxLength: 4 });
    case "object": {
      const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
      const requiredKeys = Array.isArray(schema.required) ? schema.required.map(String) : [];
      return fc.record(
        Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, inner(part)])),
        { requiredKeys },
      );
    }
    default:
      return oddValue;
  }
}

function texts(schema: Schema, known: readonly string[]): Arbitrary<string> {
  const pattern = typeof schema.pattern === "string" ? new RegExp(schema.pattern, "u") : undefined;
  if (schema.format === "date-time") {
    return fc
      .date({ min: new Date(0), max: new Date("2099-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString());
  }
  if (pattern === undefined) {
    const any = fc.string({ maxLength: Math.min(100, numberOf(schema.maxLength, 100)) });
    return fc.oneof(fc.constantFrom("", ...known), any);
  }
  const real = known.filter((text) => pattern.test(text));
  const made = matching(pattern);
  return real.length === 0
    ? made
    : fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...real) }, { weight: 1, arbitrary: made });
}

function matching(pattern: RegExp): Arbitrary<string> {
  try {
    return fc.stringMatching(pattern);
  } catch {
    // A pattern with parts that the generator does not know, such as character classes of Unicode.
    return fc.string({ minLength: 1, maxLength: 40 });
  }
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/** Values of which one part is missing, odd, or too much. */
export function spoilt(value: Arbitrary<unknown>): Arbitrary<unknown> {
  return fc
    .tuple(value, oddValue, fc.nat(), fc.constantFrom("replace", "remove", "add", "whole" as const))
    .map(([whole, odd, index, how]) => {
      if (how === "whole" || typeof whole !== "object" || whole === null || Array.isArray(whole)) return odd;
      const names = Object.keys(whole);
      const name = names[index % Math.max(1, names.length)];
      if (how === "add" || name === undefined)
        return { ...whole, [typeof odd === "string" ? odd : "unknown"]: odd };
      if (how === "replace") return { ...whole, [name]: odd };
      return Object.fromEntries(Object.entries(whole).filter(([each]) => each !== name));
    });
}
