import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  gatewaySettings,
  ownerTokenSettings,
  type Setting,
  workspaceSettings,
} from "../../../../../../agent/client/ssh-config/host-block.ts";
import {
  COUNTERS,
  PERSON_SETTINGS,
  type Treatment,
} from "../../../../../../agent/client/ssh-config/person/settings-treatment.ts";
import { parseGatewayUrl } from "../../../../../../protocol/values/gateway-url.ts";
import { parseHostName, parsePort } from "../../../../../../protocol/values/host-name.ts";
import { parseWorkspaceId } from "../../../../../../protocol/values/id.ts";

const DOCUMENT = new URL("../../../../../../docs/ssh-config.md", import.meta.url);
const keywords = (treatment: Treatment) =>
  PERSON_SETTINGS.filter((one) => one.treatment === treatment).map(({ keyword }) => keyword);

function everyBlock(): Setting[] {
  const place = { knownHosts: "/k", platform: "linux" } as const;
  const gateway = parseGatewayUrl("https://gw.example");
  const id = parseWorkspaceId(`ws_${"a".repeat(26)}`);
  const pins = { identityFiles: ["/i"], certificateFiles: ["/c"], identityAgent: "/a" };
  const port = { hostName: parseHostName("gw.example"), port: parsePort(22) };
  const workspace = { gateway, id, alias: "web", user: "ada", pins };
  return [
    ...workspaceSettings({ ...workspace, transport: { kind: "direct", jump: "j" } }, place),
    ...workspaceSettings({ ...workspace, transport: { kind: "tunnel", launcher: "/l" } }, place),
    ...gatewaySettings({ gateway, alias: "j", user: "ada", pins, ...port }, place),
    ...ownerTokenSettings({ gateway, id, alias: "web", gatewayAlias: "j", ...port }, place),
  ];
}

describe("the table of a person's settings", () => {
  test("has every setting that the ssh of this machine speaks of, once", () => {
    const named = PERSON_SETTINGS.map(({ keyword }) => keyword.toLowerCase());
    expect(named).toHaveLength(new Set(named).size);
    const spoken = execFileSync("ssh", ["-F", "none", "-G", "x"], { encoding: "utf8" })
      .split("\n")
      .flatMap((line) => line.split(" ", 1)[0]?.toLowerCase() || []);
    expect(spoken.filter((keyword) => !named.includes(keyword))).toEqual([]);
  });

  test("names what the blocks set, and what they can answer with", () => {
    expect([...new Set(everyBlock().map(({ keyword }) => keyword))].toSorted()).toEqual(
      keywords("set").toSorted(),
    );
    expect(Object.keys(COUNTERS).toSorted()).toEqual(keywords("countered").toSorted());
  });

  test("stands in the documents as it is", () => {
    const text = readFileSync(DOCUMENT, "utf8");
    const rows = [...text.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(
      ([, keyword, why]) => `${keyword}: ${why}`,
    );
    expect(rows).toEqual(PERSON_SETTINGS.map(({ keyword, why }) => `${keyword}: ${why}`));
  });
});
