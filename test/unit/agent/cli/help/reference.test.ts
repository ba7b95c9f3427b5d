import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { allDefinitions, COMMANDS } from "../../../../../agent/cli/commands.ts";
import { manPages } from "../../../../../agent/cli/help/man-page.ts";
import { commandReference } from "../../../../../agent/cli/help/markdown.ts";
import { helpText } from "../../../../../agent/cli/help/text.ts";
import { SALLYPORT_SSH_OPTIONS } from "../../../../../agent/client/ssh-command/command-line.ts";
import type { CommandDefinition } from "../../../../../protocol/command/definition.ts";

const definitions = await allDefinitions();

function everyDefinition(each: CommandDefinition): readonly CommandDefinition[] {
  return [each, ...Object.values(each.subcommands ?? {}).flatMap(everyDefinition)];
}
const every = definitions.flatMap(everyDefinition);

describe("the definitions of all commands", () => {
  test("have the names by which they are called", () => {
    expect(definitions.map(({ name }) => name)).toEqual(Object.keys(COMMANDS));
    for (const { name, subcommands = {} } of every) {
      for (const [word, sub] of Object.entries(subcommands)) expect(sub.name).toBe(`${name} ${word}`);
    }
  });

  test("have defaults that their options take", () => {
    for (const { options } of every) {
      for (const [name, option] of Object.entries(options)) {
        if (option.default !== undefined)
          expect(() => option.type?.read(option.default ?? "", name)).not.toThrow();
      }
    }
  });

  test("let the configuration file set neither a token nor what lets people in", () => {
    for (const name of ["token", "anyone", "yes", "remove", "revoke", "accept", "host-key"]) {
      for (const { options } of every) expect(options[name]?.config).toBeUndefined();
    }
  });

  test("say of sallyport ssh what is split off ssh's own options", () => {
    const ssh = definitions.find(({ name }) => name === "ssh");
    const own = Object.entries(ssh?.options ?? {}).map(([name, { type }]) => [name, type !== undefined]);
    expect({ ...Object.fromEntries(own), help: false }).toEqual({ ...SALLYPORT_SSH_OPTIONS });
  });
});

describe("what is made of them", () => {
  test("docs/commands.md is up to date (vitest -u writes it)", async () => {
    const path = join(import.meta.dirname, "../../../../../docs/commands.md");
    await expect(commandReference(definitions)).toMatchFileSnapshot(path);
  });

  test.each(every.map((each) => [each.name, each]))("help of %s fits a terminal", (_, each) => {
    const verbatim = new Set([...each.examples, ...each.description.split("\n")].map((line) => line.trim()));
    for (const line of helpText(each).split("\n")) {
      if (!verbatim.has(line.trim()) && !/^(Usage: | {7})sallyport/.test(line))
        expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  test("every command has a man page without a line that roff could misread", () => {
    const pages = manPages(definitions, "1.0");
    expect(pages.size).toBe(definitions.length + 1);
    for (const [name, page] of pages) {
      expect(name).toMatch(/^sallyport(-[a-z-]+)?\.1$/);
      const requests = page.split("\n").filter((line) => /^[.']/.test(line));
      for (const line of requests) expect(line).toMatch(/^\.(TH|SH|SS|TP|PP|RS|RE|nf|fi|B)\b/);
    }
  });
});
