import { Check } from "typebox/value";
import { describe, expect, test } from "vitest";
import { ClientAddressText, HostNameText } from "../../../../protocol/values/fields.ts";
import {
  clientAddressText,
  isHostName,
  parseHostName,
  parsePort,
} from "../../../../protocol/values/host-name.ts";

describe("a host name", () => {
  test.each([
    "gateway",
    "GateWay.example",
    "gateway.example.",
    "my_gateway.intern",
    "xn--bcher-kva.example",
    "192.0.2.7",
    "::1",
    "2001:db8::7",
    "1:2:3:4:5:6:7:8",
    "::ffff:192.0.2.7",
  ])("may be %s", (host) => {
    expect(parseHostName(host)).toBe(host);
    expect(Check(HostNameText, host)).toBe(true);
  });

  test.each([
    ["nothing", ""],
    ["a command", "$(touch marker)"],
    ["a command in backticks", "`touch marker`"],
    ["two commands", "a;b"],
    ["a pipe", "a|b"],
    ["a variable", "a$IFS"],
    ["single quotes", "a'b"],
    ["double quotes", 'a"b'],
    ["an option", "-oProxyCommand=x"],
    ["a label that starts with a hyphen", "a.-b"],
    ["a backslash", "a\\b"],
    ["a pattern", "*"],
    ["a pattern of one", "a?"],
    ["a list", "a,b"],
    ["a negation", "!a"],
    ["a user", "me@gateway"],
    ["a port", "gateway:22"],
    ["brackets", "[::1]"],
    ["a blank", "a b"],
    ["a tab", "a\tb"],
    ["a line end", "a\n"],
    ["another setting", "a\nProxyCommand touch marker"],
    ["a zero byte", "a\0b"],
    ["a bell", "a\u0007"],
    ["text that runs backwards", "elpmaxe\u202egateway"],
    ["letters beyond ASCII", "gäteway"],
    ["a zone", "fe80::1%eth0"],
    ["a token of ssh_config", "%h"],
    ["an environment variable of ssh_config", "$" + "{HOME}"],
    ["5,000 characters", "a.".repeat(2_500)],
    ["a label of 64", "a".repeat(64)],
    ["nine groups", "1:2:3:4:5:6:7:8:9"],
    ["no text", 7],
  ])("is not %s", (_, value) => {
    expect(isHostName(value)).toBe(false);
    expect(() => parseHostName(value)).toThrow(expect.objectContaining({ code: "bad_name", field: "host" }));
    expect(Check(HostNameText, value)).toBe(false);
  });
});

test.each([0, -1, 1.5, 65_536, "22", Number.NaN])("%j is not a port", (port) => {
  expect(() => parsePort(port)).toThrow(expect.objectContaining({ code: "bad_request", field: "port" }));
});

describe("a client's address", () => {
  test.each(["", "192.0.2.7", "::1", "fe80::1%eth0"])("may be %j", (address) => {
    expect(clientAddressText(address)).toBe(address);
    expect(Check(ClientAddressText, address)).toBe(true);
  });

  test.each(["gateway.example", "1.2.3.4\u0007", "fe80::1%$(x)", "1.2.3.4, 5.6.7.8", "9".repeat(90)])(
    "is told as nothing where it is %j",
    (address) => {
      expect(clientAddressText(address)).toBe("");
      expect(Check(ClientAddressText, address)).toBe(false);
    },
  );
});
