import { describe, expect, test } from "vitest";
import { NETWORK_OPTIONS, ONE_PROXY } from "../../../../agent/cli/shared-options.ts";
import { ownProxySettings } from "../../../../agent/platform/network/configured-network.ts";
import { ownProxy } from "../../../../agent/platform/network/proxy/configured-routes.ts";
import { splitArguments } from "../../../../protocol/command/arguments.ts";
import { type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { readInput } from "../../../../protocol/command/run.ts";
import { text } from "../../../../protocol/command/value-types.ts";

const definition = {
  name: "some",
  summary: "",
  description: "",
  operands: { rest: { type: text("REST"), description: "", repeated: true } },
  options: { ...NETWORK_OPTIONS, json: { description: "" }, verbose: { short: "v", description: "" } },
  exclusive: [ONE_PROXY],
  examples: [],
} as const satisfies CommandDefinition;

function read(args: readonly string[], env: CommandContext["env"]) {
  return readInput(definition, splitArguments(args, definition.options), { env });
}

describe("the options about the network", () => {
  test("become variables, wherever they stand before --", () => {
    const { operands, env } = read(
      ["--proxy=http://p:1", "dev", "--ca", "ca.pem", "-v", "--", "--proxy", "x"],
      {
        PATH: "/bin",
        SALLYPORT_PROXY_PAC: "x.pac",
        SALLYPORT_PROXY_FILE: "f",
      },
    );
    expect(operands.rest).toEqual(["dev", "--proxy", "x"]);
    expect(env).toEqual({ PATH: "/bin", SALLYPORT_PROXY: "http://p:1", SALLYPORT_CA: "ca.pem" });
  });

  test("leave the environment alone where there are none", () => {
    const env = { HOME: "/home/ada" };
    expect(read(["dev", "--json"], env).env).toBe(env);
  });

  test.each([
    [["--proxy"], /needs a value/],
    [["--proxy", "--json"], /needs a value/],
    [["--ca="], /needs a value/],
    [["--ca", "a", "--ca", "b"], /twice/],
    [["--proxy", "p", "--pac", "q"], /exclude/],
    [["--proxy", "http://ada:secret@p:1"], /SALLYPORT_PROXY/],
    [["--proxy=ada@p"], /SALLYPORT_PROXY_FILE/],
    [["--proxy=ada@p:1"], /SALLYPORT_PROXY_FILE/],
    [["--proxy", "http://ada:x@p:no"], /SALLYPORT_PROXY_FILE/],
    [["--proxy", "::ada@"], /SALLYPORT_PROXY_FILE/],
  ])("%j is refused", (args, words) => {
    expect(() => read(args, {})).toThrow(UsageError);
    expect(() => read(args, {})).toThrow(words);
    expect(() => read(args, {})).not.toThrow(/secret/);
  });

  test("may say that there is no proxy", () => {
    expect(ownProxy(ownProxySettings(read(["--proxy", "none"], {}).env))).toMatchObject({ kind: "none" });
  });
});
