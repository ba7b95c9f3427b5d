import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  hostKeyAlias,
  keysFor,
  knownHostsName,
  withKeysFor,
} from "../../../../../agent/client/known-hosts/known-hosts-lines.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { parseSshAddress } from "../../../../../protocol/values/host-name.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../../../../protocol/values/name.ts";
import { parsePublicKey, type SshPublicKey } from "../../../../../protocol/values/ssh-public-key.ts";

let home: string;
let one: SshPublicKey;
let two: SshPublicKey;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-test-"));
  const make = (name: string) => {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "someone", "-f", join(home, name)]);
    return parsePublicKey(readFileSync(join(home, `${name}.pub`), "utf8"));
  };
  one = make("one");
  two = make("two");
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

describe("the alias that host keys are pinned under", () => {
  const alias = (workspace: string, gateway: string) =>
    hostKeyAlias(parseWorkspaceRef(workspace), parseGatewayUrl(gateway));

  test("is the workspace, its owner and the gateway, in lower case", () => {
    expect(alias("web.ada", "https://GW.Example")).toBe("web.ada.gw.example");
    expect(alias("web.ada", "https://[2001:db8::1]")).toBe("web.ada.2001-db8--1");
  });

  test("differs between two gateways on one machine", () => {
    expect(alias("web.ada", "http://127.0.0.1:8080")).toBe("web.ada.127.0.0.1-8080");
    expect(alias("web.ada", "http://127.0.0.1:8081")).not.toBe(alias("web.ada", "http://127.0.0.1:8080"));
  });

  test("of a workspace without an owner is its id", () => {
    const id = newWorkspaceId();
    expect(alias(id, "https://gw.example")).toBe(`${id.replace("_", "-")}.gw.example`);
  });
});

describe("our known_hosts file", () => {
  test("holds exactly the new keys for an alias, and every other line as it was", () => {
    const first = withKeysFor("", "a.gw", [one, two]);
    expect(first).toBe(`a.gw ssh-ed25519 ${one.blob}\na.gw ssh-ed25519 ${two.blob}\n`);
    const both = withKeysFor(first, "b.gw", [one]);
    expect(withKeysFor(both, "a.gw", [two])).toBe(
      `b.gw ssh-ed25519 ${one.blob}\na.gw ssh-ed25519 ${two.blob}\n`,
    );
  });

  test("is read by ssh-keygen as OpenSSH reads it", () => {
    const file = join(home, "known_hosts");
    writeFileSync(file, withKeysFor("", "web.ada.gw.example-8443", [one]));
    const found = execFileSync("ssh-keygen", ["-F", "web.ada.gw.example-8443", "-f", file], {
      encoding: "utf8",
    });
    expect(found).toContain(one.blob);
  });

  test("gives back the keys of a name, and of lines without one", () => {
    const text = [
      "# comment",
      `a.gw,b.gw ssh-ed25519 ${one.blob}`,
      `c.gw ssh-ed25519 ${two.blob}`,
      `@revoked a.gw ssh-ed25519 ${two.blob}`,
      "a.gw ssh-dss AAAA",
      "nonsense",
    ].join("\r\n");
    expect(keysFor(text, ["b.gw"]).map((key) => key.fingerprint)).toEqual([one.fingerprint]);
    expect(keysFor(text, ["d.gw"])).toEqual([]);
    expect(keysFor(`ssh-ed25519 ${two.blob} me@home\n`, ["d.gw"]).map((key) => key.blob)).toEqual([two.blob]);
  });
});

test.each([
  ["Gateway.example", 22, "gateway.example"],
  ["gateway.example", 2222, "[gateway.example]:2222"],
  ["2001:db8::1", 22, "2001:db8::1"],
  ["127.0.0.1", 8022, "[127.0.0.1]:8022"],
])("%s at port %i is looked up as %s", (host, port, name) => {
  expect(knownHostsName(parseSshAddress({ host, port }))).toBe(name);
});
