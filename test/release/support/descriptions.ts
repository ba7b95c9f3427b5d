// Reads YAML and TOML with Python's parsers, and judges by a JSON schema: what kubernetes-validate brings along.

import { execFileSync } from "node:child_process";
import { kubernetesValidate } from "./tools.ts";

// Compose's `!override` says that a list replaces another.
const YAML = `
import json, sys, yaml
yaml.SafeLoader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node, deep=True))
json.dump([one for one in yaml.safe_load_all(sys.stdin) if one is not None], sys.stdout)
`;
const TOML = "import json, sys, tomllib; json.dump(tomllib.loads(sys.stdin.read()), sys.stdout)";
const SCHEMA = `
import json, sys, jsonschema
schema, value = json.load(open(sys.argv[1])), json.load(sys.stdin)
errors = jsonschema.Draft4Validator(schema).iter_errors(value)
json.dump([f"{'/'.join(map(str, one.absolute_path))}: {one.message[:200]}" for one in errors], sys.stdout)
`;

async function python(program: string, input: string, ...args: string[]): Promise<unknown> {
  const env = { ...process.env, PYTHONPATH: await kubernetesValidate() };
  return JSON.parse(execFileSync("python3", ["-c", program, ...args], { input, env, encoding: "utf8" }));
}

/** The documents in `text`. @throws Error: it is not YAML */
export async function readYaml(text: string): Promise<unknown[]> {
  const documents = await python(YAML, text);
  return Array.isArray(documents) ? documents : [];
}

/** @throws Error: it is not TOML */
export function readToml(text: string): Promise<unknown> {
  return python(TOML, text);
}

/** What a JSON schema (draft 4) says against a value; empty: nothing. */
export function judge(value: unknown, schemaFile: string): Promise<unknown> {
  return python(SCHEMA, JSON.stringify(value), schemaFile);
}
