import { expect, test } from "vitest";
import { parsePastedAddress } from "../../../../../agent/client/connect/pasted-address.ts";
import { newOwnerToken } from "../../../../../protocol/values/token.ts";

const ID = `ws_${"a".repeat(26)}`;
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
const workspace = (name: string, owner?: string) => ({ kind: "name", name, owner });

test.each([
  ["ssh dev@gw.example", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -p 2222 dev.ana@GW.example", { sshHost: "gw.example", workspace: workspace("dev", "ana") }],
  [`ssh ${ID}@gw.example`, { sshHost: "gw.example", workspace: { kind: "id", id: ID } }],
  [`ssh dev#${newOwnerToken()}@gw.example`, { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -L 8080:localhost:80 -NT dev@gw.example", { sshHost: "gw.example", workspace: workspace("dev") }],
  ['ssh -o SetEnv="A=a b" dev@gw.example make test', { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh dev@gw.example -p 2222 -- make -j 4", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -l dev gw.example uptime", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -o 'User = dev' gw.example", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -oUser=dev -o User=other gw.example", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh ssh://dev@GW.example:2222", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh://Dev.Ana@gw.example:2222/", { sshHost: "gw.example", workspace: workspace("dev", "ana") }],
  ["SSH DEV@GW.EXAMPLE", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["/usr/bin/ssh dev@gw.example", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -tJ gw.example:2222 dev tmux attach", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -o ProxyJump=ana@gw.example me@dev", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -J ssh://ana@gw.example:2222 dev", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["ssh -J ana@gw.example:2222 dev", { sshHost: "gw.example", workspace: workspace("dev") }],
  ["  dev@gw.example ", { sshHost: "gw.example", workspace: workspace("dev") }],
  [`wss://${ID}@gw.example`, { gateway: "https://gw.example", workspace: { kind: "id", id: ID } }],
  [
    "ws://dev:secret@localhost:8080/sub",
    { gateway: "http://localhost:8080/sub", workspace: workspace("dev") },
  ],
  [
    "sallyport ssh --gateway https://gw.example dev",
    { gateway: "https://gw.example", workspace: workspace("dev") },
  ],
  [
    "sallyport ssh -L 80:localhost:80 --gateway=https://gw.example Dev -o X='a b' -- make test",
    { gateway: "https://gw.example", workspace: workspace("dev") },
  ],
  ["sallyport ssh dev", { gateway: undefined, sshHost: undefined, workspace: workspace("dev") }],
  [
    "vscode-insiders://sallyport.sallyport/connect?gateway=https%3A%2F%2Fgw.example&workspace=dev",
    { gateway: "https://gw.example", workspace: workspace("dev") },
  ],
])("%s is understood", (text, expected) => {
  expect(parsePastedAddress(text)).toMatchObject(expected);
});

test("the host key that a host prints with its command is taken along", () => {
  const pasted = parsePastedAddress(`sallyport ssh --gateway https://gw.example --host-key '${KEY}' ${ID}`);
  expect(pasted?.hostKey?.blob).toBe(KEY.split(" ")[1]);
});

test.each([
  "",
  "dev",
  "my project",
  "https://gw.example",
  "git@",
  "ssh",
  "ssh gw.example",
  "ssh -z dev@gw.example",
  "dev@gw.example make test",
  "sallyport list",
  "vscode://other.one/connect?x=1",
])("%j is not an address", (text) => {
  expect(parsePastedAddress(text)).toBeUndefined();
});

test("an address that is one but cannot be right says what is wrong", () => {
  expect(() => parsePastedAddress("ssh Über@gw.example")).toThrow(/workspace/i);
  expect(() => parsePastedAddress("ssh -oProxyCommand=x@gw.example dev@gw.example@x")).toThrow(/workspace/i);
});
