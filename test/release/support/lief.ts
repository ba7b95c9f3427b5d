// What LIEF, a parser of executables from the Python Package Index, sees in a file: another pair of eyes than ours.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { PartCache } from "../../../packaging/executable/parts/part-cache.ts";
import { runTool } from "../../../packaging/executable/parts/run-tool.ts";

/** Its wheels are for one version of Python each. */
const LIEF_VERSION = "1.0.0";

export interface Seen {
  /** What is wrong with the order and the places of its parts; empty: nothing. */
  readonly layout: string;
  /** 1: the program looks for its blob. */
  readonly fuse: number;
  /** Size in bytes. */
  readonly blob: number;
  /** Numbers of what the system's loader works through: relocations, imports, exports, symbols. */
  readonly counts: readonly number[];
}

const SCRIPTS = {
  macho: `
b = lief.parse(path)
ok, why = lief.MachO.check_layout(b)
segment = b.get_segment("NODE_SEA")
blob = segment.sections[0].size if segment is not None else 0
counts = [len(b.relocations), len(list(b.dyld_chained_fixups.bindings)), len(b.exported_functions), len(b.symbols)]
`,
  pe: `
b = lief.parse(path)
ok, why = lief.PE.check_layout(b)
named = [n for t in b.resources.childs if t.id == 10 for n in t.childs if n.has_name and n.name == "NODE_SEA_BLOB"]
blob = sum(len(d.content) for n in named for d in n.childs)
others = sum(1 for t in b.resources.childs if t.id != 10 for n in t.childs)
counts = [len(b.relocations), len(b.imports), len(b.exported_functions), others]
`,
} as const;

const END = `
data = open(path, "rb").read()
at = data.index(b"NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:")
print(json.dumps({"layout": "" if ok else why, "fuse": data[at + 47] - 48, "blob": blob, "counts": counts}))
`;

/** @throws Error: Python or pip is missing, or it does not understand the file */
export async function lief(format: keyof typeof SCRIPTS, path: string): Promise<Seen> {
  const script = `import json, lief, sys\npath = sys.argv[1]\n${SCRIPTS[format]}${END}`;
  const env = { ...process.env, PYTHONPATH: await packageDirectory() };
  const { stdout } = await promisify(execFile)("python3", ["-c", script, path], { env });
  return JSON.parse(stdout);
}

async function packageDirectory(): Promise<string> {
  const python = (await runTool("python3", ["--version"])).trim();
  return await new PartCache().part("lief", [LIEF_VERSION, python], async (into) => {
    const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    await runTool("python3", ["-m", "pip", "install", ...flags, "--target", into, `lief==${LIEF_VERSION}`]);
    if (!existsSync(join(into, "lief"))) throw new Error("pip did not install lief");
  });
}
