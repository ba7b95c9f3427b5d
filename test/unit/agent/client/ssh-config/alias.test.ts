import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Aliased, assignAliases, gatewayAlias } from "../../../../../agent/client/ssh-config/alias.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";

function workspace(name: string, owner: string, gateway: string, mine = true): Aliased {
  return { id: newWorkspaceId(), name, owner, mine, gateway: parseGatewayUrl(gateway) };
}
const aliases = (...workspaces: Aliased[]) => [...assignAliases(workspaces).values()];

describe("assignAliases", () => {
  test("names an own workspace by its name and a shared one by its owner too", () => {
    expect(
      aliases(
        workspace("web", "ada", "https://GW.example"),
        workspace("web", "bob", "https://gw.example", false),
      ),
    ).toEqual(["web.gw.example", "web.bob.gw.example"]);
  });

  test("tells gateways on one machine apart", () => {
    expect(
      aliases(
        workspace("web", "ada", "https://gw.example"),
        workspace("web", "ada", "https://gw.example:8443"),
        workspace("web", "ada", "http://gw.example"),
        workspace("web", "ada", "http://[::1]:80"),
      ),
    ).toEqual(["web.gw.example", "web.gw.example-8443", "web.gw.example-80", "web.1-80"]);
    const [one, two] = aliases(
      workspace("web", "ada", "https://gw.example/a"),
      workspace("web", "ada", "https://gw.example/b"),
    );
    expect(one).toMatch(/^web\.gw\.example-[0-9a-f]{6}$/);
    expect(two).not.toBe(one);
  });

  test("gives a name that two would have to the own workspace, in whatever order they come", () => {
    const shared = workspace("a", "b", "https://example.com", false);
    const own = workspace("a", "me", "https://b.example.com");
    const first = assignAliases([shared, own]);
    const second = assignAliases([own, shared]);
    expect(first.get(own)).toBe("a.b.example.com");
    expect(first.get(shared)).toMatch(/^a-[0-9a-f]{6}\.b\.example\.com$/);
    expect(second.get(shared)).toBe(first.get(shared));
  });

  test("leaves names alone that are kept for others", () => {
    const own = workspace("web", "ada", "https://gw.example");
    expect(assignAliases([own], ["web.gw.example"]).get(own)).toMatch(/^web-[0-9a-f]{6}\.gw\.example$/);
  });

  test("never gives the same name twice, nor a gateway's, and nothing that a config would read as a pattern", () => {
    const label = fc.constantFrom("a", "b", "a-b", "gateway", "example");
    const gateway = fc.constantFrom(
      "https://example.com",
      "https://b.example.com",
      "https://a.b.example.com",
      "http://example.com:81",
    );
    const many = fc.array(fc.tuple(label, label, gateway, fc.boolean()), { maxLength: 30 });
    fc.assert(
      fc.property(many, (list) => {
        const all = list.map(([name, owner, url, mine]) => workspace(name, owner, url, mine));
        const given = [...assignAliases(all).values(), gatewayAlias(parseGatewayUrl("https://example.com"))];
        expect(new Set(given).size).toBe(all.length + 1);
        for (const alias of given) expect(alias).toMatch(/^_?[a-z0-9][a-z0-9.-]*$/);
      }),
    );
  });

  test("refuses a name that is none, whatever gateway it comes from", () => {
    expect(() => aliases(workspace("web\n  ProxyCommand evil", "ada", "https://gw.example"))).toThrow(
      /1 to 40/,
    );
  });
});
