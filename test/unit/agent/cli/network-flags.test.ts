import { describe, expect, test } from "vitest";
import { takeNetworkFlags } from "../../../../agent/cli/network-flags.ts";
import { ownProxySettings } from "../../../../agent/platform/network/configured-network.ts";
import { ownProxy } from "../../../../agent/platform/network/proxy/configured-routes.ts";
import { UsageError } from "../../../../protocol/command/command.ts";

describe("the network's flags", () => {
  test("become variables, wherever they stand before --", () => {
    const { args, env } = takeNetworkFlags(
      ["--proxy=http://p:1", "dev", "--ca", "ca.pem", "-v", "--", "--proxy", "x"],
      { PATH: "/bin", SALLYPORT_PROXY_PAC: "x.pac", SALLYPORT_PROXY_FILE: "f" },
    );
    expect(args).toEqual(["dev", "-v", "--", "--proxy", "x"]);
    expect(env).toEqual({ PATH: "/bin", SALLYPORT_PROXY: "http://p:1", SALLYPORT_CA: "ca.pem" });
  });

  test("are left alone where there are none", () => {
    const env = { HOME: "/home/ada" };
    expect(takeNetworkFlags(["dev", "--json"], env)).toEqual({ args: ["dev", "--json"], env });
  });

  test.each([
    [["--proxy"], /needs a value/],
    [["--proxy", "--json"], /needs a value/],
    [["--ca="], /needs a value/],
    [["--ca", "a", "--ca", "b"], /twice/],
    [["--proxy", "p", "--pac", "q"], /exclude/],
    [["--proxy", "http://ada:secret@p:1"], /SALLYPORT_PROXY/],
    [["--proxy=ada@p"], /SALLYPORT_PROXY_FILE/],
  ])("%j is refused", (args, words) => {
    expect(() => takeNetworkFlags(args, {})).toThrow(UsageError);
    expect(() => takeNetworkFlags(args, {})).toThrow(words);
    expect(() => takeNetworkFlags(args, {})).not.toThrow(/secret/);
  });

  test("say none, too", () => {
    expect(ownProxy(ownProxySettings(takeNetworkFlags(["--proxy", "none"], {}).env))).toMatchObject({
      kind: "none",
    });
  });
});
