// The lines that the dashboard offers to copy are those that the agent and the editors take.

import { expect, test } from "vitest";
import { knownHostsName } from "../../../../agent/client/known-hosts/known-hosts-lines.ts";
import { readConnectUrl } from "../../../../protocol/connect-url.ts";
import { PROVE_USER, proveCommand } from "../../../../protocol/key-proof.ts";
import { parseSshAddress } from "../../../../protocol/values/host-name.ts";
import {
  connectUrl,
  EDITORS,
  jumpCommand,
  knownHostsLine,
  sshCommand,
} from "../../../../web/pages/workspaces/connect/addresses.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
const plain = parseSshAddress({ host: "gateway.example", port: 22 });
const odd = parseSshAddress({ host: "Gateway.example", port: 2222 });
const ipv6 = parseSshAddress({ host: "2001:db8::1", port: 2222 });

test.each(EDITORS)("a connect URL of the scheme %s is one that the extension takes", (scheme) => {
  const url = connectUrl("https://gateway.example/sub", "devbox.ada", scheme);
  expect(url.startsWith(`${scheme}://`)).toBe(true);
  expect(readConnectUrl(url)).toEqual({
    gateway: "https://gateway.example/sub",
    workspace: { kind: "name", name: "devbox", owner: "ada" },
    hostKey: undefined,
  });
});

test("ssh commands name the port where it is not 22", () => {
  expect(sshCommand(plain, "devbox")).toBe("ssh devbox@gateway.example");
  expect(sshCommand(odd, "devbox.ada")).toBe("ssh -p 2222 devbox.ada@Gateway.example");
  expect(jumpCommand(plain, "devbox")).toBe("ssh -J gateway.example devbox");
  expect(jumpCommand(odd, "devbox")).toBe("ssh -J Gateway.example:2222 devbox");
  expect(jumpCommand(ipv6, "devbox")).toBe("ssh -J [2001:db8::1]:2222 devbox");
});

test("a token behind the user name is in quotes, since # begins a comment", () => {
  expect(sshCommand(odd, "devbox#spo_x")).toBe("ssh -p 2222 'devbox#spo_x@Gateway.example'");
});

test.each([plain, odd, ipv6])("a known_hosts line has the name that ssh looks for: %o", (ssh) => {
  expect(knownHostsLine(ssh, `${KEY} a comment`)).toBe(`${knownHostsName(ssh)} ${KEY}`);
});

test.each([plain, odd])("a key is proved as the protocol says: %o", (ssh) => {
  expect(sshCommand(ssh, PROVE_USER)).toBe(proveCommand(ssh));
});
