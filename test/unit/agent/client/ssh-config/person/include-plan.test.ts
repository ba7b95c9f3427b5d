import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Plan,
  planInclude,
  planRemoval,
} from "../../../../../../agent/client/ssh-config/person/include-plan.ts";

const options = { path: "~/.ssh/config", include: "~/.ssh/sallyport/config" };
const BLOCK =
  "# >>> sallyport >>> `sallyport config-ssh --remove` takes these lines out\nInclude ~/.ssh/sallyport/config\n# <<< sallyport <<<\n";

function after(plan: Plan, before: Buffer | undefined): Buffer | undefined {
  if (plan.kind === "refused") throw new Error(plan.message);
  return plan.kind === "change" ? plan.after : before;
}
const include = (before: Buffer | undefined) => after(planInclude(before, options), before);
const remove = (before: Buffer | undefined) => after(planRemoval(before, options), before);
const text = (before: string) => include(Buffer.from(before))?.toString();

const theirLine = fc.oneof(
  fc.constantFrom("Host *", "Match all", "", "\t", "# >>> sally", "Include ~/.ssh/other", "  Port = 7", "\0"),
  fc.string({ unit: "binary", maxLength: 20 }).map((line) => line.replaceAll("\n", "")),
);
const ourLine = fc.constantFrom(
  "# >>> sallyport >>> x",
  "# <<< sallyport <<<",
  "Include ~/.ssh/sallyport/config",
  'Include "/other home/.ssh/sallyport/config"',
  "# Sallyport made this file.",
);
const lineEnd = fc.constantFrom("\n", "\r\n");
const isUtf16 = (bytes: Buffer) => bytes[0] === 0xff || bytes[0] === 0xfe;

describe("planInclude", () => {
  test("puts the block at the very top, with the line ends that the file has", () => {
    expect(text("Host a\n  Port 1")).toBe(`${BLOCK}Host a\n  Port 1`);
    expect(text("Host a\r\n  Port 1\n")).toBe(`${BLOCK.replaceAll("\n", "\r\n")}Host a\r\n  Port 1\n`);
  });

  test("leaves a byte order mark first", () => {
    expect(text("\uFEFFHost a\n")).toBe(`\uFEFF${BLOCK}Host a\n`);
  });

  test("notes that it makes the file, so that removal takes the file away with the block", () => {
    const made = include(undefined);
    expect(made?.toString()).toContain("# Sallyport made this file.");
    expect(remove(made)).toBeUndefined();
    expect(remove(Buffer.from(`${made}Host a\n`))?.toString()).toBe("Host a\n");
    expect(remove(include(Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
  });

  test("moves a block that stands below something to the top", () => {
    expect(text(`Host a\n${BLOCK}Host b\n`)).toBe(`${BLOCK}Host a\nHost b\n`);
  });

  test("makes one block of two and keeps the hosts between them", () => {
    expect(text(`${BLOCK}Host a\n${BLOCK}Host b\n`)).toBe(`${BLOCK}Host a\nHost b\n`);
  });

  test("rewrites a block with another path in its place", () => {
    expect(text(`${BLOCK.replace("~", "/old")}Host a\n`)).toBe(`${BLOCK}Host a\n`);
  });

  test("takes a marker without its partner away, with the lines of ours at it and no others", () => {
    expect(text("# >>> sallyport\nInclude ~/.ssh/sallyport/config\nHost a\n")).toBe(`${BLOCK}Host a\n`);
    expect(text("Host a\nInclude ~/.ssh/sallyport/config\n# <<< sallyport\nHost b\n")).toBe(
      `${BLOCK}Host a\nHost b\n`,
    );
    expect(text("# >>> sallyport\nHost a\n")).toBe(`${BLOCK}Host a\n`);
  });

  test("is content with an Include that the person has put above every Host by hand", () => {
    const by = (line: string) =>
      planInclude(Buffer.from(line), { ...options, spellings: ["sallyport/config"] }).kind;
    expect(by("# mine\ninclude ~/.ssh/sallyport/config\nHost a\n")).toBe("unchanged");
    expect(by('Include = "sallyport/config"\n')).toBe("unchanged");
    expect(by("Host a\nInclude ~/.ssh/sallyport/config\n")).toBe("change");
    expect(by("Include ~/.ssh/sallyport/config-2\n")).toBe("change");
  });

  test("refuses what it cannot change without harm, and gives the line to copy", () => {
    expect(planInclude(Buffer.alloc(4 * 1024 * 1024 + 1), options)).toMatchObject({ code: "too_large" });
    expect(planInclude(Buffer.from("\uFEFFHost a", "utf16le"), options)).toMatchObject({ code: "not_text" });
    expect(planInclude(Buffer.from("Host a"), { ...options, readOnly: "It is read-only." })).toEqual({
      kind: "refused",
      code: "read_only",
      message: "It is read-only.",
      line: "Include ~/.ssh/sallyport/config",
    });
    expect(planInclude(Buffer.from(BLOCK), { ...options, readOnly: "It is read-only." }).kind).toBe(
      "unchanged",
    );
  });

  test("shows what it adds and what it takes away", () => {
    const hosts = Array.from({ length: 9 }, (_, n) => `Host h${n}\n`).join("");
    const plan = planInclude(Buffer.from(`${hosts}${BLOCK}Host \x1b[31m\n`), options);
    expect(plan).toHaveProperty(
      "diff",
      [
        "--- ~/.ssh/config",
        "+++ ~/.ssh/config",
        "@@ -1,3 +1,6 @@",
        ...BLOCK.trimEnd()
          .split("\n")
          .map((line) => `+${line}`),
        " Host h0",
        " Host h1",
        " Host h2",
        "@@ -7,7 +10,4 @@",
        " Host h6",
        " Host h7",
        " Host h8",
        ...BLOCK.trimEnd()
          .split("\n")
          .map((line) => `-${line}`),
        " Host \uFFFD[31m",
        "",
      ].join("\n"),
    );
  });
});

describe("planRemoval", () => {
  test("gives back any bytes that the plan was made for", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
      fc
        .array(fc.tuple(theirLine, lineEnd), { maxLength: 12 })
        .map((lines) => Buffer.from(lines.flat().join("").replace(/\n$/, ""))),
    );
    fc.assert(
      fc.property(bytes, (before) => {
        fc.pre(!isUtf16(before));
        const changed = include(before);
        expect(changed?.equals(before)).toBe(false);
        expect(planInclude(changed, options).kind).toBe("unchanged");
        expect(remove(changed)).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  test("leaves every line of the person's in order, whatever is left of our own around them", () => {
    const line = fc.oneof(
      theirLine.map((own) => ({ theirs: true, own: `t${own}` })),
      ourLine.map((own) => ({ theirs: false, own })),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(line, lineEnd), { maxLength: 12 }), (lines) => {
        const before = Buffer.from(lines.map(([{ own }, end]) => own + end).join(""));
        const theirs = (bytes: Buffer | undefined) =>
          (bytes?.toString("latin1") ?? "").split(/(?<=\n)/).filter((one) => one.startsWith("t"));
        const changed = include(before);
        expect(theirs(changed)).toEqual(theirs(before));
        expect(planInclude(changed, options).kind).toBe("unchanged");
        expect(theirs(remove(changed))).toEqual(theirs(before));
        expect(remove(changed)?.toString() ?? "").toBe(remove(before)?.toString() ?? "");
        expect(remove(before)?.toString() ?? "").not.toMatch(/^# (?:>>>|<<<) sallyport/m);
      }),
      { numRuns: 500 },
    );
  });
});
