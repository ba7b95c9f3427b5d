import { describe, expect, test } from "vitest";
import {
  type DesiredOptions,
  desiredConfig,
  type Listing,
} from "../../../../../agent/client/ssh-config/desired-config.ts";
import { pinsOf } from "../../../../../agent/client/ssh-config/managed-config.ts";
import type { Workspace } from "../../../../../protocol/api.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { parseSshAddress } from "../../../../../protocol/values/host-name.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";

const gateway = parseGatewayUrl("https://gw.example");
const other = parseGatewayUrl("https://other.example");
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS";
const KEY2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";
const nothing = { sections: [], knownHosts: "" };
const options: DesiredOptions = {
  place: { knownHosts: "/h/.ssh/sallyport/known_hosts", platform: "linux" },
  launcher: "/h/launcher",
  transport: "auto",
};

function workspace(name: string, change: Partial<Workspace> = {}): Workspace {
  return {
    id: newWorkspaceId(),
    name,
    owner: "ada",
    mine: true,
    online: true,
    clients: 0,
    endToEndOnly: false,
    hostKeys: [KEY],
    createdAt: "2026-01-01T00:00:00Z",
    lastSeenAt: null,
    ...change,
  };
}
function listing(workspaces: readonly Workspace[], change: Partial<Listing> = {}): Listing {
  const ssh = parseSshAddress({ host: "gw.example", port: 2222 });
  return { gateway, account: "ada", workspaces, ssh, hostKeys: [KEY2], ...change };
}
const names = (sections: readonly { alias: string }[]) => sections.map(({ alias }) => alias);

describe("desiredConfig", () => {
  test("jumps through the gateway's SSH port where it has one, and tunnels where it has none, by the same alias", () => {
    const web = workspace("web");
    const direct = desiredConfig(nothing, [listing([web])], options);
    const tunnel = desiredConfig(nothing, [listing([web], { ssh: null })], options);
    expect(direct.aliases).toMatchObject([{ alias: "web.gw.example", transport: "direct" }]);
    expect(tunnel.aliases).toMatchObject([{ alias: "web.gw.example", transport: "tunnel" }]);
    expect(names(direct.managed.sections)).toEqual(["_gateway.gw.example", "web.gw.example"]);
    expect(names(tunnel.managed.sections)).toEqual(["web.gw.example"]);
    expect(names(direct.expect)).toEqual(["_gateway.gw.example", "web.gw.example"]);
    expect(direct.managed.knownHosts).toBe(`_gateway.gw.example ${KEY2}\nweb.gw.example ${KEY}\n`);
  });

  test("leaves a transport as it is, unless one is asked for", () => {
    const [web, db] = [workspace("web"), workspace("db")];
    const choose = (one: Workspace) => (one.id === web.id ? ("tunnel" as const) : ("direct" as const));
    const { managed } = desiredConfig(nothing, [listing([web])], { ...options, transport: choose });
    const transports = (transport: DesiredOptions["transport"]) =>
      desiredConfig(managed, [listing([web, db])], { ...options, transport }).aliases.map(
        (one) => one.transport,
      );
    expect(transports("auto")).toEqual(["tunnel", "direct"]);
    expect(transports("direct")).toEqual(["direct", "direct"]);
    expect(transports("tunnel")).toEqual(["tunnel", "tunnel"]);
  });

  test("loses a workspace that is gone with its keys, and keeps a gateway that was not asked", () => {
    const [web, db] = [workspace("web"), workspace("db")];
    const first = desiredConfig(
      nothing,
      [listing([web, db]), listing([workspace("far")], { gateway: other, ssh: null })],
      options,
    );
    const second = desiredConfig(first.managed, [listing([web])], options);
    expect(names(second.managed.sections)).toEqual([
      "far.other.example",
      "_gateway.gw.example",
      "web.gw.example",
    ]);
    expect(second.managed.knownHosts).toBe(
      `_gateway.gw.example ${KEY2}\nfar.other.example ${KEY}\nweb.gw.example ${KEY}\n`,
    );
    const third = desiredConfig(second.managed, [listing([web])], { ...options, signedInAt: [gateway] });
    expect(names(third.managed.sections)).toEqual(["_gateway.gw.example", "web.gw.example"]);
    expect(third.managed.knownHosts).not.toContain("far");
  });

  test("keeps pins that it is not told again", () => {
    const web = workspace("web");
    const pins = { identityFiles: ["/h/.ssh/work"] };
    const first = desiredConfig(nothing, [listing([web])], { ...options, pins: () => pins });
    const second = desiredConfig(first.managed, [listing([web])], options);
    expect(second.managed.sections.map(pinsOf)).toEqual([pins, pins]);
    const other = { identityFiles: ["/h/.ssh/home"] };
    const third = desiredConfig(second.managed, [listing([web])], { ...options, pins: () => other });
    expect(third.managed.sections.map(pinsOf)).toEqual([other, other]);
  });

  test("tells of a host whose key is another one now, not of one that has a further key", () => {
    const web = workspace("web");
    const { managed } = desiredConfig(nothing, [listing([web])], options);
    const now = (hostKeys: string[]) =>
      desiredConfig(managed, [listing([{ ...web, hostKeys }])], options).changedKeys;
    expect(now([KEY])).toEqual([]);
    expect(now([KEY2, KEY])).toEqual([]);
    expect(now([KEY2])).toMatchObject([{ alias: "web.gw.example" }]);
  });

  test("does not let one gateway take another one's name, by an id or a name", () => {
    const own = workspace("a");
    const evil = parseGatewayUrl("https://b.gw.example");
    const { managed } = desiredConfig(nothing, [listing([own], { ssh: null })], options);
    const shared = { ...workspace("a", { owner: "b", mine: false }) };
    const both = desiredConfig(
      managed,
      [listing([{ ...own, name: "a" }], { gateway: evil, ssh: null }), listing([own, shared], { ssh: null })],
      options,
    );
    const aliases = both.aliases.map(({ alias }) => alias);
    expect(aliases[0]).toBe("a.b.gw.example");
    expect(aliases[1]).toBe("a.gw.example");
    expect(aliases[2]).toMatch(/^a-[0-9a-f]{6}\.b\.gw\.example$/);
  });
});
