import { describe, expect, test } from "vitest";
import { type Announced, announcement, readyEvent } from "../../../../agent/host/announcement.ts";
import { parseConnectUrl } from "../../../../protocol/connect-url.ts";
import { parseGatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { newWorkspaceId } from "../../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";

const hostKey = parsePublicKey(
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+",
);
const id = newWorkspaceId();

function announced({
  account = "ana" as string | null,
  publicUrl = "https://gw.example",
  gateway = "https://gw.example",
} = {}): Announced {
  return {
    message: {
      type: "registered",
      workspace: { id, name: "dev" },
      account,
      ssh: null,
      publicUrl: parseGatewayUrl(publicUrl),
      keys: [],
    },
    gateway: parseGatewayUrl(gateway),
    endToEndOnly: false,
    hostKey,
  };
}

function read(link: string | null) {
  const url = new URL(link ?? "");
  expect(url.protocol).toBe("vscode:");
  return parseConnectUrl(url.pathname, url.search.slice(1));
}

describe("the connect URLs of a host", () => {
  test("name the workspace by its id, which means the same to other people, and one of them pins the host key", () => {
    const { links, fingerprint } = readyEvent(announced());
    expect(read(links.connect)).toEqual({
      gateway: "https://gw.example",
      workspace: { kind: "id", id },
      hostKey: undefined,
    });
    const pinned = read(links.pinned);
    expect(pinned.hostKey?.blob).toBe(hostKey.blob);
    expect(pinned.hostKey?.fingerprint).toBe(fingerprint);
  });

  test("always carry the host key where no account vouches for it", () => {
    const { links } = readyEvent(announced({ account: null }));
    expect(links.connect).toBeNull();
    expect(read(links.pinned).hostKey?.blob).toBe(hostKey.blob);
  });

  test.each([
    ["the public URL", "https://gw.example/sub", "http://gateway:8080", "https://gw.example/sub"],
    ["not a guess at this machine", "https://127.0.0.1:8443", "https://gw.example", "https://gw.example"],
    ["not a guess without TLS", "http://10.0.0.5:8080", "https://gw.example", "https://gw.example"],
  ])("lead to where others reach the gateway: %s", (_, publicUrl, gateway, expected) => {
    const { links } = readyEvent(announced({ publicUrl, gateway }));
    expect(read(links.connect).gateway).toBe(expected);
    expect(read(links.pinned).gateway).toBe(expected);
  });

  test("have lines of their own in the text for people", () => {
    for (const account of ["ana", null]) {
      const what = announced({ account });
      const { connect, pinned } = readyEvent(what).links;
      const lines = announcement(what).split("\n");
      expect(lines).toContain(`  ${pinned}`);
      expect(lines.filter((line) => line.includes("vscode://"))).toHaveLength(account === null ? 1 : 2);
      if (connect !== null) expect(lines).toContain(`  ${connect}`);
    }
  });
});
