import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ALL_PERMISSIONS } from "../../../../../../agent/host/ssh/sign-in/key-grant.ts";
import {
  isRuleMet,
  KeyOptionError,
  parseKeyOptions,
} from "../../../../../../agent/host/ssh/sign-in/key-options.ts";

const permissions = (options: string) => parseKeyOptions(options).permissions;

describe("the options of an authorized_keys line", () => {
  test("grant everything where there are no options", () => {
    expect(permissions("")).toEqual(ALL_PERMISSIONS);
  });

  test("take single permissions away", () => {
    expect(permissions("no-pty")).toMatchObject({ pty: false, portForwarding: true });
    expect(permissions("no-port-forwarding,no-agent-forwarding")).toMatchObject({
      pty: true,
      portForwarding: false,
      agentForwarding: false,
    });
  });

  test("take all permissions away with restrict, and give back those that are named after it", () => {
    expect(permissions("restrict")).toMatchObject({
      pty: false,
      portForwarding: false,
      agentForwarding: false,
    });
    expect(permissions("restrict,pty")).toMatchObject({ pty: true, portForwarding: false });
    expect(permissions("RESTRICT,Port-Forwarding")).toMatchObject({ portForwarding: true, pty: false });
  });

  test("confine a key to a command, which loses forwarding unless that is granted by name", () => {
    expect(permissions('command="echo \\"a, b\\""')).toMatchObject({
      command: 'echo "a, b"',
      portForwarding: false,
      agentForwarding: false,
      pty: true,
    });
    expect(permissions('command="x",port-forwarding').portForwarding).toBe(true);
    expect(permissions('permitopen="db:5432",command="x"')).toMatchObject({
      portForwarding: true,
      permitOpen: ["db:5432"],
    });
  });

  test("restrict a key to addresses, ranges and wildcards", () => {
    const rule = parseKeyOptions('from="10.0.0.0/8,!10.1.0.0/16,192.168.*,2001:db8::/32"');
    const met = (address: string) => isRuleMet(rule, address, 0);
    expect(["10.2.0.1", "192.168.7.7", "2001:db8::5", "::ffff:10.2.0.1"].map(met)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(["10.1.0.1", "172.16.0.1", "2001:db9::1", "unknown", ""].map(met)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test("end a key's validity at a time", () => {
    const rule = parseKeyOptions('expiry-time="20300102030405Z"');
    const end = Date.UTC(2030, 0, 2, 3, 4, 5);
    expect([isRuleMet(rule, "", end - 1), isRuleMet(rule, "", end)]).toEqual([true, false]);
  });

  test("that only turn off what the host never does change nothing", () => {
    expect(permissions("no-X11-forwarding,no-user-rc")).toEqual(ALL_PERMISSIONS);
  });

  test.each([
    "cert-authority",
    'environment="A=b"',
    'principals="x"',
    'tunnel="0"',
    "no-such-option",
    'from="host.example.com"',
    'from="10.0.0.0/33"',
    'expiry-time="tomorrow"',
    'permitopen="nowhere"',
    'command="a",command="b"',
    "no-pty,",
    ",no-pty",
    'command="open',
    "no-pty no-pty",
    "command",
    'pty="yes"',
  ])("are refused where they are not honoured in full: %s", (options) => {
    expect(() => parseKeyOptions(options)).toThrow(KeyOptionError);
  });

  test("are either read or refused, whatever they are", () => {
    const word = fc.constantFrom(
      "restrict",
      "pty",
      "no-pty",
      'command="',
      '"',
      ",",
      '\\"',
      "from=",
      "=",
      " ",
      "x",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        try {
          parseKeyOptions(words.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(KeyOptionError);
        }
      }),
    );
  });
});
