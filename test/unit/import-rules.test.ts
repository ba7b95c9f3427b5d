// The import rule of docs/architecture.md, as the linter holds it: each room of the repository has imports that fail there
// and imports that pass. One run of Biome with the repository's own configuration over a tree with a file per room.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Type } from "typebox";
import { Check, Parse } from "typebox/value";
import { beforeAll, describe, expect, test } from "vitest";

interface Room {
  /** The `includes` of the override in biome.json. */
  readonly includes: readonly string[];
  /** A file in the room, without its extension; the imports are relative to it. */
  readonly file: string;
  readonly forbidden: readonly string[];
  readonly allowed: readonly string[];
}

const IO = ["node:fs", "node:fs/promises", "node:net", "node:tls", "node:http", "node:child_process", "ws"];

const ROOMS: readonly Room[] = [
  {
    includes: ["protocol/**", "!protocol/ssh/ssh2/**"],
    file: "protocol/ssh/x",
    forbidden: [
      "../../scripts/x.ts",
      "../../agent/platform/paths.ts",
      "../../gateway/gateway.ts",
      "../../extension/settings.ts",
      "../../packaging/x.ts",
      "../../test/support/x.ts",
      "vscode",
      "ssh2",
      "ssh2/lib/protocol/kex.js",
      ...IO,
    ],
    allowed: ["../errors.ts", "./ssh2/client.ts", "node:crypto", "node:stream", "typebox"],
  },
  {
    includes: ["protocol/ssh/ssh2/**"],
    file: "protocol/ssh/ssh2/x",
    forbidden: [
      "../../../scripts/x.ts",
      "../../../packaging/x.ts",
      "../../../test/support/x.ts",
      "../../../agent/platform/paths.ts",
      "../../../gateway/gateway.ts",
      "vscode",
      ...IO,
    ],
    allowed: ["../../errors.ts", "./private.ts", "ssh2", "ssh2/lib/protocol/kex.js", "node:crypto"],
  },
  {
    includes: ["gateway/**"],
    file: "gateway/ssh/x",
    forbidden: [
      "../../scripts/x.ts",
      "../../agent/platform/paths.ts",
      "../../extension/settings.ts",
      "../../packaging/x.ts",
      "../../test/support/x.ts",
      "vscode",
    ],
    allowed: ["../../protocol/errors.ts", "../gateway.ts", "node:net", "ws", "ssh2"],
  },
  {
    includes: ["agent/cli.ts", "agent/cli/**", "!agent/cli/commands.ts"],
    file: "agent/cli/commands/x",
    forbidden: [
      "../../../scripts/x.ts",
      "../../../packaging/x.ts",
      "../../../test/support/x.ts",
      "../../../gateway/gateway.ts",
      "../../../extension/settings.ts",
      "vscode",
    ],
    allowed: [
      "../../host/link.ts",
      "../../client/gateway-api.ts",
      "../../platform/paths.ts",
      "../../../protocol/errors.ts",
    ],
  },
  {
    includes: ["agent/cli/commands.ts"],
    file: "agent/cli/commands",
    forbidden: [
      "../../scripts/x.ts",
      "../../packaging/x.ts",
      "../../extension/settings.ts",
      "../../test/support/x.ts",
      "vscode",
    ],
    allowed: ["../../gateway/program/command.ts", "../../protocol/errors.ts"],
  },
  {
    includes: ["agent/host/**"],
    file: "agent/host/ssh/x",
    forbidden: [
      "../../../scripts/x.ts",
      "../../../packaging/x.ts",
      "../../../test/support/x.ts",
      "../../cli.ts",
      "../../cli/commands.ts",
      "../../client/gateway-api.ts",
      "../../../gateway/gateway.ts",
      "../../../extension/settings.ts",
      "vscode",
    ],
    allowed: ["../link.ts", "../../platform/paths.ts", "../../../protocol/ssh/ssh2/client.ts", "node:net"],
  },
  {
    includes: ["agent/client/**"],
    file: "agent/client/tunnel/x",
    forbidden: [
      "../../../scripts/x.ts",
      "../../../packaging/x.ts",
      "../../../test/support/x.ts",
      "../../cli.ts",
      "../../cli/commands.ts",
      "../../host/link.ts",
      "../../../gateway/gateway.ts",
      "../../../extension/settings.ts",
      "vscode",
    ],
    allowed: ["../gateway-api.ts", "../../platform/paths.ts", "../../../protocol/errors.ts", "node:net"],
  },
  {
    includes: ["agent/platform/**"],
    file: "agent/platform/files/x",
    forbidden: [
      "../../../scripts/x.ts",
      "../../../packaging/x.ts",
      "../../../test/support/x.ts",
      "../../cli.ts",
      "../../cli/commands.ts",
      "../../host/link.ts",
      "../../client/gateway-api.ts",
      "../../../gateway/gateway.ts",
      "../../../extension/settings.ts",
      "vscode",
    ],
    allowed: ["../paths.ts", "../../../protocol/errors.ts", "node:fs"],
  },
  {
    includes: ["extension/**"],
    file: "extension/connect/x",
    forbidden: [
      "../../scripts/x.ts",
      "../../packaging/x.ts",
      "../../gateway/gateway.ts",
      "../../agent/cli.ts",
      "../../agent/cli/commands.ts",
      "../../agent/host/link/link.ts",
      "../../test/support/x.ts",
    ],
    allowed: [
      "vscode",
      "../settings.ts",
      "../../agent/client/gateway-api.ts",
      "../../agent/platform/paths.ts",
      "../../protocol/errors.ts",
    ],
  },
  {
    includes: ["web/**"],
    file: "web/pages/own/x",
    forbidden: [
      "../../../scripts/x.ts",
      "../../../packaging/x.ts",
      "../../../test/support/x.ts",
      "../../../agent/platform/paths.ts",
      "../../../gateway/gateway.ts",
      "../../../extension/settings.ts",
      "vscode",
      "node:fs",
      "node:fs/promises",
      "node:crypto",
    ],
    allowed: ["../../api.ts", "../../../protocol/sign-in/pages.ts", "preact", "@preact/signals"],
  },
];

/** Every form in which a module can be asked for, a line each. */
const FORMS = [
  (from: string, n: number) => `import { x${n} } from "${from}";`,
  (from: string, n: number) => `import type { X${n} } from "${from}";`,
  (from: string, n: number) => `export { x as y${n} } from "${from}";`,
  (from: string, n: number) => `export const z${n} = await import("${from}");`,
];

const root = join(import.meta.dirname, "..", "..");
const config: unknown = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
/** `agent/host/ssh/x.ts:7` for each import that the linter refuses. */
let refused: ReadonlySet<string>;

beforeAll(async () => {
  const tree = mkdtempSync(join(tmpdir(), "sallyport-import-rules-"));
  try {
    // Outside a repository there is no .gitignore.
    writeFileSync(join(tree, "biome.json"), JSON.stringify({ ...Object(config), vcs: { enabled: false } }));
    for (const room of ROOMS) {
      const path = join(tree, `${room.file}.ts`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, importsOf(room).join("\n"));
    }
    refused = await refusedImports(tree);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
});

describe("the linter's import rule", () => {
  test("has a row here for each room in biome.json", () => {
    const rules = Type.Object({ linter: Type.Object({ rules: Type.Object({ style: Type.Object({}) }) }) });
    const overrides = Parse(
      Type.Object({ overrides: Type.Array(Type.Object({ includes: Type.Array(Type.String()) })) }),
      config,
    ).overrides.filter((override) => Check(rules, override));
    expect(overrides.map(({ includes }) => includes)).toEqual(ROOMS.map(({ includes }) => includes));
  });

  test.each(ROOMS)("holds in $file", (room) => {
    const lines = importsOf(room);
    const passed = lines.filter((_line, index) => !refused.has(`${room.file}.ts:${index + 1}`));
    expect(passed).toEqual(lines.slice(room.forbidden.length * FORMS.length));
  });
});

/** The forbidden imports, then the allowed ones. */
function importsOf({ forbidden, allowed }: Room): string[] {
  return [...forbidden, ...allowed].flatMap((from, n) => FORMS.map((form) => form(from, n)));
}

const Report = Type.Object({
  diagnostics: Type.Array(
    Type.Object({
      category: Type.String(),
      location: Type.Object({ path: Type.String(), start: Type.Object({ line: Type.Integer() }) }),
    }),
  ),
});

function refusedImports(directory: string): Promise<ReadonlySet<string>> {
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  const args = ["lint", "--only=style/noRestrictedImports", "--reporter=json", "--max-diagnostics=none", "."];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [biome, ...args], { cwd: directory, maxBuffer: 2 ** 24 }, (error, stdout) => {
      try {
        const { diagnostics } = Parse(Report, JSON.parse(stdout));
        resolve(
          new Set(
            diagnostics.map(({ category, location }) => {
              // A configuration or a line that Biome cannot read would count as a refusal.
              if (category !== "lint/style/noRestrictedImports") throw new Error(stdout);
              return `${location.path.replaceAll("\\", "/")}:${location.start.line}`;
            }),
          ),
        );
      } catch (cause) {
        reject(new Error("Biome did not lint the tree", { cause: error ?? cause }));
      }
    });
  });
}
