import { expect, test } from "vitest";
import { knownHostsName } from "../../../../../agent/client/known-hosts/known-hosts.ts";
import { parseSshAddress } from "../../../../../protocol/values/host-name.ts";

test.each([
  ["Gateway.example", 22, "gateway.example"],
  ["gateway.example", 2222, "[gateway.example]:2222"],
  ["2001:db8::1", 22, "2001:db8::1"],
  ["127.0.0.1", 8022, "[127.0.0.1]:8022"],
])("%s at port %i is looked up as %s", (host, port, name) => {
  expect(knownHostsName(parseSshAddress({ host, port }))).toBe(name);
});
