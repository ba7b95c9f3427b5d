// Reads YAML with the parser that comes with kubernetes-validate.

import { execFileSync } from "node:child_process";
import { kubernetesValidate } from "./tools.ts";

// Compose's `!override` says that a list replaces another.
const PROGRAM = `
import json, sys, yaml
yaml.SafeLoader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node, deep=True))
json.dump([one for one in yaml.safe_load_all(sys.stdin) if one is not None], sys.stdout)
`;

/** The documents in `text`. @throws Error: it is not YAML */
export async function readYaml(text: string): Promise<unknown[]> {
  const env = { ...process.env, PYTHONPATH: await kubernetesValidate() };
  return JSON.parse(execFileSync("python3", ["-c", PROGRAM], { input: text, env, encoding: "utf8" }));
}
