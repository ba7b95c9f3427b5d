import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Parse } from "typebox/value";
import { describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/repository.ts";

const Launch = Type.Object({
  configurations: Type.Array(
    Type.Object({
      type: Type.Literal("extensionHost"),
      args: Type.Array(Type.String()),
      outFiles: Type.Array(Type.String()),
      preLaunchTask: Type.String(),
    }),
  ),
});
const Task = Type.Object({
  label: Type.String(),
  command: Type.Optional(Type.String()),
  args: Type.Optional(Type.Array(Type.String())),
  dependsOn: Type.Optional(Type.Array(Type.String())),
  problemMatcher: Type.Optional(Type.Unknown()),
});
const Tasks = Type.Object({ tasks: Type.Array(Task) });
const Manifest = Type.Object({ main: Type.String(), scripts: Type.Record(Type.String(), Type.String()) });
const Background = Type.Object({
  background: Type.Object({
    activeOnStart: Type.Boolean(),
    beginsPattern: Type.String(),
    endsPattern: Type.String(),
  }),
});

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
/** JSON with comments on lines of their own. */
const readJson = (path: string): unknown => JSON.parse(read(path).replace(/^\s*\/\/.*$/gm, ""));

const { configurations } = Parse(Launch, readJson(".vscode/launch.json"));
const { tasks } = Parse(Tasks, readJson(".vscode/tasks.json"));
const manifest = Parse(Manifest, readJson("package.json"));
const labels = tasks.map(({ label }) => label);

describe("debugging in VS Code", () => {
  test("every task that is named exists, once", () => {
    expect(new Set(labels).size).toBe(labels.length);
    for (const { preLaunchTask } of configurations) expect(labels).toContain(preLaunchTask);
    for (const { dependsOn = [] } of tasks)
      expect(labels).toEqual(expect.arrayContaining<string>([...dependsOn]));
  });

  test("every task that runs something runs a script of package.json", () => {
    for (const { label, command, args = [] } of tasks.filter((task) => task.command !== undefined)) {
      expect(command, label).toBe("npm");
      const script = args[0] === "run" ? args[1] : args[0];
      expect(Object.keys(manifest.scripts), label).toContain(script);
    }
  });

  test("the extension that is debugged is the one that the build writes", () => {
    const [configuration] = configurations;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variables
    const folder = "${workspaceFolder}";
    expect(configuration?.args).toEqual([`--extensionDevelopmentPath=${folder}`]);
    expect(configuration?.outFiles).toEqual([`${folder}/dist/extension/**/*.js`]);
    expect(manifest.main).toBe("./dist/extension/extension.js");
    const build = read("esbuild.mjs");
    const [, name, source = ""] = /entryPoints: \{ (\w+): "(extension\/[^"]+)" \}/.exec(build) ?? [];
    expect(`./dist/extension/${name}.js`).toBe(manifest.main);
    expect(existsSync(join(ROOT, source))).toBe(true);
    expect(build).toContain('["extension", results[1]]');
  });

  test("the window opens as soon as `npm start` says that both programs run", () => {
    const start = tasks.find(({ label }) => label === "start");
    const { background } = Parse(Background, start?.problemMatcher);
    expect(read("scripts/start.ts")).toMatch(
      new RegExp(`return \`${background.endsPattern.replace(/^\^|\$$/g, "")}\\n`),
    );
    expect(background.activeOnStart).toBe(true);
    expect(read("scripts/bootstrap.mjs")).toMatch(new RegExp(background.beginsPattern));
  });

  test("every option that the task gives to `npm start` is one that it knows", () => {
    const { args = [] } = tasks.find(({ label }) => label === "start") ?? {};
    const usage = /usage: npm start \[(.*)\]/.exec(read("scripts/start.ts"))?.[1]?.split(" ") ?? [];
    for (const option of args.filter((one) => /^--\w/.test(one))) expect(usage).toContain(option);
  });
});
