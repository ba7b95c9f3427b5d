import { expect, test } from "vitest";
import {
  accountlessName,
  withAccountlessWorkspace,
} from "../../../../../agent/client/connect/accountless-workspace.ts";
import { desiredConfig } from "../../../../../agent/client/ssh-config/desired-config.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { parseSshAddress } from "../../../../../protocol/values/host-name.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";
import { isName } from "../../../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../../../protocol/values/ssh-public-key.ts";
import { workspace } from "../workspaces/workspaces.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
const gateway = parseGatewayUrl("https://gw.example");
const place = { knownHosts: "/known_hosts", platform: "linux" } as const;
const open = { gateway, id: newWorkspaceId(), hostKey: parsePublicKey(KEY) };

test("a workspace from a link gets a block of its own through the tunnel, and its key alone is trusted", () => {
  const { managed, aliases } = withAccountlessWorkspace({ sections: [], knownHosts: "" }, open, {
    place,
    launcher: "/tunnel",
  });
  const alias = `${accountlessName(open.id)}.gw.example`;
  expect(aliases.map((one) => one.alias)).toEqual([alias]);
  expect(managed.sections[0]?.text).toContain(`ProxyCommand /tunnel https://gw.example ${open.id}`);
  expect(managed.knownHosts).toBe(`${alias} ${KEY}\n`);
});

test("workspaces of the account at the same gateway keep their blocks and their keys", () => {
  const listing = {
    gateway,
    account: "ana",
    workspaces: [workspace("dev", { hostKeys: [KEY] })],
    ssh: parseSshAddress({ host: "gw.example", port: 22 }),
    hostKeys: [KEY],
  };
  const before = desiredConfig({ sections: [], knownHosts: "" }, [listing], {
    place,
    launcher: "/tunnel",
    transport: "direct",
  }).managed;
  const { managed } = withAccountlessWorkspace(before, open, { place, launcher: "/tunnel" });
  expect(managed.sections).toEqual(expect.arrayContaining([...before.sections]));
  expect(managed.sections).toHaveLength(before.sections.length + 1);
  for (const line of before.knownHosts.split("\n")) expect(managed.knownHosts).toContain(line);
});

test("the name that people see is a name, and does not give the id away", () => {
  expect(isName(accountlessName(open.id))).toBe(true);
  expect(accountlessName(open.id).length).toBeLessThan(open.id.length / 2);
});
