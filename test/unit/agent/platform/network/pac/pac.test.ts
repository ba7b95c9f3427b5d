import { describe, expect, test } from "vitest";
import { findProxy, type PacWorld } from "../../../../../../agent/platform/network/pac/find-proxy.ts";
import { parsePacAnswer } from "../../../../../../agent/platform/network/pac/pac-answer.ts";
import { PAC_BOUNDS } from "../../../../../../agent/platform/network/pac/pac-run.ts";
import { proxyLabel } from "../../../../../../agent/platform/network/proxy/proxy-address.ts";

const asked: string[] = [];
const world: PacWorld = {
  lookUp: (name) => {
    asked.push(name);
    return Promise.resolve(name === "ten.example" ? "10.1.2.3" : undefined);
  },
  ownAddress: "192.168.1.5",
};

/** The time is bounded by what no slow machine needs, but where the bound is what is tested. */
async function run(script: string, milliseconds = 60_000): Promise<string> {
  const { signal } = new AbortController();
  return await findProxy(script, "https://gw.example/", "gw.example", world, signal, milliseconds);
}

const returns = (expression: string) => run(`function FindProxyForURL(url, host) { return ${expression} }`);

describe("a proxy script", () => {
  test("is run again once a name that it asked for is known, even where it caught the stop", async () => {
    asked.length = 0;
    const script = `function FindProxyForURL(url, host) {
      try { if (!isInNet("ten.example", "10.0.0.0", "255.0.0.0")) return "wrong"; } catch (e) { return "wrong"; }
      return isResolvable("nowhere.example") || dnsResolve("nowhere.example") ? "wrong" : "PROXY p:3128; DIRECT";
    }`;
    expect(await run(script)).toBe("PROXY p:3128; DIRECT");
    expect(asked).toEqual(["ten.example", "nowhere.example"]);
  });

  test("has the functions that such scripts use", async () => {
    const calls = [
      ["isPlainHostName('gw')", true],
      ["isPlainHostName(host)", false],
      ["dnsDomainIs(host, '.EXAMPLE')", true],
      ["localHostOrDomainIs('gw', 'gw.example')", true],
      ["localHostOrDomainIs('gw.other', 'gw.example')", false],
      ["dnsDomainLevels(host)", 1],
      ["shExpMatch(url, 'https://*.ex?mple/')", true],
      ["shExpMatch('a.b', 'a?b?')", false],
      ["shExpMatch('a(b', 'a(*')", true],
      ["isInNet('192.168.1.9', '192.168.1.0', '255.255.255.0')", true],
      ["isInNet('300.1.1.1', '0.0.0.0', '0.0.0.0')", false],
      ["myIpAddress()", "192.168.1.5"],
      ["weekdayRange('MON', 'SUN')", true],
      ["timeRange(0, 23)", true],
      ["timeRange(0, 0, 0, 23, 59, 59, 'GMT')", true],
      ["dateRange('JAN', 'DEC')", true],
      ["dateRange(1999)", false],
      ["dateRange(1, 'JAN', 2000, 31, 'DEC', 2999)", true],
      ["dateRange(1, 31)", true],
      ["alert('x')", undefined],
    ] as const;
    const list = calls.map(([call]) => `String(${call})`).join(",");
    expect((await returns(`[${list}].join()`)).split(",")).toEqual(calls.map(([, result]) => String(result)));
  });

  test("finds nothing of ours", async () => {
    const names = "process require fetch module console WebAssembly __names __wanted __address".split(" ");
    const wayOut = "this.constructor.constructor('return typeof process')()";
    const list = [...names.map((name) => `typeof ${name}`), wayOut].join(",");
    expect(new Set((await returns(`[${list}].join()`)).split(","))).toEqual(new Set(["undefined"]));
  });

  test.each([
    ["while (true);", /takes too long/],
    ["var a = []; for (;;) a.push(new Array(100000).join('x'));", /takes too long|memory/],
    ["(function f() { f() })()", /call stack/],
    ["function FindProxyForURL() { return /^(a+)+$/.test('a'.repeat(60) + 'b') }", /takes too long/],
    ["function FindProxyForURL() { return dnsResolve(Math.random() + '.example') }", /too many names/],
    ["this is no script", /;/],
    ["", /FindProxyForURL/],
  ])("%j ends with a reason", async (script, reason) => {
    const limit = reason.source.includes("takes too long") ? PAC_BOUNDS.milliseconds : undefined;
    const error: unknown = await run(script, limit).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ stage: "proxy", code: "pac_failed" });
    expect(String(error)).toMatch(reason);
  });
});

test("an answer is a list of ways; what makes no sense in it is passed over", () => {
  const ways = parsePacAnswer(
    "PROXY a:1; HTTPS b:2;SOCKS c ; SOCKS5 [::1]:3; FTP d:4; PROXY ; PROXY e:f; PROXY g h; direct",
    "test",
  );
  expect(ways.map((way) => (way.kind === "proxy" ? proxyLabel(way.address) : way.kind))).toEqual([
    "http://a:1",
    "https://b:2",
    "socks5://c:1080",
    "socks4://c:1080",
    "socks5://[::1]:3",
    "direct",
  ]);
  expect(parsePacAnswer("", "test")).toEqual([]);
  expect(parsePacAnswer("DIRECT;".repeat(100), "test").length).toBeLessThan(10);
});
