import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { splitArguments } from "../../../../protocol/command/arguments.ts";
import { type CommandContext, ConfigFileError, UsageError } from "../../../../protocol/command/command.ts";
import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { commandGroup, executable, type Input, readInput } from "../../../../protocol/command/run.ts";
import { choice, FILE, integer, TEXT } from "../../../../protocol/command/value-types.ts";

const serve = {
  name: "serve",
  summary: "serve something",
  description: "Serves something.",
  operands: { place: { type: { ...TEXT, hint: "PLACE" }, description: "where", optional: true } },
  options: {
    port: { type: integer(0, 65_535), description: "", default: "80", variable: "PORT", config: true },
    level: { type: choice(["low", "high"], "LEVEL"), description: "", variable: "LEVEL", config: true },
    include: { type: FILE, description: "", repeated: "each", config: true },
    peers: { type: TEXT, description: "", repeated: "separated", variable: "PEERS", config: true },
    quiet: { short: "q", description: "", variable: "QUIET", aliases: ["silent"], config: true },
    secret: { type: TEXT, description: "" },
    left: { type: TEXT, description: "", variable: "LEFT", config: true },
    right: { type: TEXT, description: "", variable: "RIGHT", config: true },
    ca: { type: FILE, description: "", variable: "CA", config: true, exported: true },
  },
  exclusive: [{ options: ["left", "right"], variables: ["BOTH"] }],
  examples: [],
} as const satisfies CommandDefinition;

function read(args: readonly string[], env: CommandContext["env"] = {}, own: Record<string, unknown> = {}) {
  const config = { path: "/c.json", options: {}, commands: { serve: own } };
  return readInput(serve, splitArguments(args, serve.options), { env, config });
}

describe("the values of a command's options", () => {
  test("come from the command line, then the environment, then the file, then the default", () => {
    const port = (args: string[], env: object, own: Record<string, unknown>) =>
      read(args, { ...env }, own).options.port;
    expect(port(["--port", "1"], { PORT: "2" }, { port: 3 })).toBe(1);
    expect(port([], { PORT: "2" }, { port: 3 })).toBe(2);
    expect(port([], { PORT: "" }, { port: 3 })).toBe(3);
    expect(port([], {}, {})).toBe(80);
    expect(read(["--port=1"], { PORT: "2" }).settings.get("port")?.source).toBe("command line");
    expect(read([], { PORT: "2" }).settings.get("port")).toMatchObject({
      source: "environment",
      from: "PORT",
    });
  });

  test("are of the type that the definition says", () => {
    const { options, operands } = read(
      ["here", "-q", "--include", "a", "--peers", "x,y", "--include=b", "--peers", "z", "--level", "low"],
      {},
    );
    const level: "low" | "high" | undefined = options.level;
    const include: readonly string[] = options.include;
    expect({ ...options, level, include }).toEqual({
      port: 80,
      level: "low",
      include: ["a", "b"],
      peers: ["x", "y", "z"],
      quiet: true,
      secret: undefined,
      left: undefined,
      right: undefined,
      ca: undefined,
    });
    const place: string | undefined = operands.place;
    expect(place).toBe("here");
  });

  test("keep older names of options, and what stands behind --", () => {
    expect(read(["--silent", "--", "--port"]).options.quiet).toBe(true);
    expect(read(["--", "--port"]).operands.place).toBe("--port");
    expect(read(["--secret", "-"]).options.secret).toBe("-");
    expect(read(["--secret=-x"]).options.secret).toBe("-x");
  });

  test("take a switch from a variable or the file as well", () => {
    expect(read([], { QUIET: "yes" }).options.quiet).toBe(true);
    expect(read([], { QUIET: "0" }, { quiet: true }).options.quiet).toBe(false);
    expect(read([], {}, { quiet: true }).options.quiet).toBe(true);
  });

  test("that are exported count as not set where their variable is blank", () => {
    const { options, env } = read([], { CA: " " }, { ca: "/ca.pem" });
    expect({ ca: options.ca, env }).toEqual({ ca: "/ca.pem", env: { CA: "/ca.pem" } });
    expect(read([], { BOTH: " " }, { left: "a" }).options).toMatchObject({ left: "a" });
  });

  test("exclude each other only within one source; a stronger source hides the others", () => {
    expect(() => read(["--left", "a", "--right", "b"])).toThrow("--left and --right exclude each other.");
    expect(read(["--left", "a"], { RIGHT: "b" }).options).toMatchObject({ left: "a", right: undefined });
    expect(read([], { RIGHT: "b" }, { left: "a" }).options).toMatchObject({ left: undefined, right: "b" });
    expect(read([], { BOTH: "b" }, { left: "a" }).options).toMatchObject({ left: undefined });
    expect(() => read([], {}, { left: "a", right: "b" })).toThrow(ConfigFileError);
  });
});

describe("wrong usage is told in one wording", () => {
  test.each([
    [["--frob"], "Unknown option: --frob."],
    [["--titel", "x"], "Unknown option: --titel."],
    [["-x"], "Unknown option: -x."],
    [["--toString"], "Unknown option: --toString."],
    [["--no-quiet"], "Unknown option: --no-quiet."],
    [["--quiet=1"], "--quiet takes no value."],
    [["--port"], "--port needs a value: N."],
    [["--port", "-q"], "--port needs a value; one that begins with - is written --port=N."],
    [["--port", "x"], '--port must be a number from 0 to 65535, not "x".'],
    [["--level", "mid"], '--level must be one of low, high, not "mid".'],
    [["a", "b"], 'Unexpected argument: "b".'],
  ])("%j", (args, message) => {
    expect(() => read(args)).toThrow(UsageError);
    expect(() => read(args)).toThrow(message);
  });

  test("a wrong variable is named, and so is a wrong key of the file", () => {
    expect(() => read([], { PORT: "x" })).toThrow(/^PORT must be a number/);
    expect(() => read([], { QUIET: "maybe" })).toThrow('QUIET must be 1 or 0, not "maybe".');
    const file = (own: Record<string, unknown>) => () => read([], {}, own);
    expect(file({ port: "x" })).toThrow(/^commands\.serve\.port in \/c\.json must be a number/);
    expect(file({ port: "x" })).toThrow(ConfigFileError);
    expect(file({ port: [1] })).toThrow("commands.serve.port in /c.json: write a text.");
    expect(file({ quiet: "yes" })).toThrow("commands.serve.quiet in /c.json: write true or false.");
    expect(file({ frob: 1 })).toThrow(
      "commands.serve.frob in /c.json: `sallyport serve` has no option --frob.",
    );
    expect(file({ secret: "x" })).toThrow("commands.serve.secret in /c.json: --secret cannot be set there.");
  });
});

const tool = {
  name: "tool",
  summary: "",
  description: "",
  options: {},
  examples: [],
  needsSubcommand: true,
  subcommands: {
    list: {
      name: "tool list",
      summary: "",
      description: "",
      options: { all: { description: "" } },
      examples: [],
    },
    add: {
      name: "tool add",
      summary: "",
      description: "",
      operands: { file: { type: { ...FILE, hint: "FILE" }, description: "" } },
      options: { title: { type: TEXT, description: "" } },
      examples: [],
    },
  },
} as const satisfies CommandDefinition;

describe("a command with subcommands", () => {
  const ran: unknown[] = [];
  const { list, add } = tool.subcommands;
  const record = (input: Input<typeof list> | Input<typeof add>) => {
    ran.push(input.options, input.operands);
    return 0;
  };
  const command = commandGroup(tool, { list: executable(list, record), add: executable(add, record) });
  const context = {
    env: {},
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    signal: new AbortController().signal,
  };
  const run = (...args: string[]) => command.run(args, context);

  test("finds its subcommand also behind options", async () => {
    ran.length = 0;
    expect(await run("--title", "list", "add", "f")).toBe(0);
    expect(ran).toEqual([{ title: "list" }, { file: "f" }]);
  });

  test.each([
    [[], "tool needs a subcommand: list, add."],
    [["ad"], 'tool has no subcommand "ad": there is list, add.'],
    [["toString"], 'tool has no subcommand "toString": there is list, add.'],
    [["--frob"], "Unknown option: --frob."],
    [["list", "--title", "x"], "tool list does not take --title."],
    [["add"], "FILE is missing."],
  ])("%j is wrong usage", async (args, message) => {
    await expect(run(...args)).rejects.toThrow(UsageError);
    await expect(run(...args)).rejects.toThrow(message);
  });

  test("says whose help to look at", async () => {
    await expect(run("add")).rejects.toMatchObject({ command: "tool add" });
    await expect(run()).rejects.toMatchObject({ command: "tool" });
  });
});
