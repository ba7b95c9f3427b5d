import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CommandError } from "../../../../../../agent/platform/command-error.ts";
import { isExempt } from "../../../../../../agent/platform/network/proxy/no-proxy.ts";
import {
  parseProxyAddress,
  proxyLabel,
} from "../../../../../../agent/platform/network/proxy/proxy-address.ts";
import {
  chooseProxy,
  type EditorProxy,
  type ProxySettings,
} from "../../../../../../agent/platform/network/proxy/proxy-choice.ts";
import { endpointOf } from "../../../../../../agent/platform/network/route.ts";

const https = new URL("wss://gateway.example/tunnel");
const http = new URL("http://gateway.example:8080/");

function choose(settings: Partial<ProxySettings>, url = https): string {
  const choice = chooseProxy({ own: undefined, editor: undefined, env: {}, ...settings }, endpointOf(url));
  return choice.kind === "proxy" ? `${proxyLabel(choice.address)} by ${choice.from}` : choice.kind;
}

const editor = (settings: Partial<EditorProxy>): EditorProxy => ({
  off: false,
  address: undefined,
  noProxy: [],
  authorization: undefined,
  ...settings,
});

describe("the environment", () => {
  test.each([
    [{}, https, "direct"],
    [{ HTTPS_PROXY: "http://p:3128" }, https, "http://p:3128 by HTTPS_PROXY"],
    [{ HTTPS_PROXY: "http://P:1", https_proxy: "q:2" }, https, "http://q:2 by https_proxy"],
    [{ HTTPS_PROXY: " ", ALL_PROXY: "socks5h://p" }, https, "socks5://p:1080 by ALL_PROXY"],
    [{ HTTP_PROXY: "http://p:3128" }, https, "direct"],
    [{ HTTP_PROXY: "http://p" }, http, "http://p:80 by HTTP_PROXY"],
    [{ HTTPS_PROXY: "http://p:3128" }, http, "direct"],
    // A header of a CGI request.
    [{ HTTP_PROXY: "http://p:3128", REQUEST_METHOD: "GET" }, http, "direct"],
    [{ http_proxy: "http://p:3128", REQUEST_METHOD: "GET" }, http, "http://p:3128 by http_proxy"],
    [{ all_proxy: "https://[2001:db8::1]:8443/" }, https, "https://[2001:db8::1]:8443 by all_proxy"],
    [{ HTTPS_PROXY: "http://p:1", NO_PROXY: "a.example, .example" }, https, "direct"],
    [{ HTTPS_PROXY: "http://p:1", no_proxy: "gateway.example:443" }, https, "direct"],
    [{ HTTPS_PROXY: "http://p:1", NO_PROXY: "gateway.example:80" }, https, "http://p:1 by HTTPS_PROXY"],
    [{ HTTPS_PROXY: "http://p:1", no_proxy: "", NO_PROXY: "*" }, https, "direct"],
  ])("%j", (env, url, expected) => {
    expect(choose({ env }, url)).toBe(expected);
  });

  test.each(["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "dev.localhost"])(
    "has no say about %s, which is this machine",
    (host) => {
      expect(choose({ env: { HTTPS_PROXY: "http://p:1" } }, new URL(`https://${host}:8443`))).toBe("direct");
    },
  );
});

describe("what goes before what", () => {
  const env = { HTTPS_PROXY: "http://env:1" };
  const address = parseProxyAddress("http://own:2", "test");
  test("Sallyport's own settings hold for everything", () => {
    const own = { kind: "proxy", address, from: "--proxy" } as const;
    const all = { own, env: { ...env, NO_PROXY: "*" }, editor: editor({ off: true }) };
    expect(choose(all, new URL("https://localhost"))).toBe("http://own:2 by --proxy");
    expect(choose({ own: { kind: "none", from: "--proxy" }, env })).toBe("direct");
  });

  test("an editor's settings go before the environment, and its exceptions are the environment's too", () => {
    expect(choose({ editor: editor({ address }), env })).toBe("http://own:2 by http.proxy");
    expect(choose({ editor: editor({ off: true }), env })).toBe("direct");
    expect(choose({ editor: editor({ noProxy: ["*.example"] }), env })).toBe("direct");
    expect(choose({ editor: editor({}), env })).toBe("http://env:1 by HTTPS_PROXY");
  });

  test("a configured header goes to HTTP proxies without credentials of their own", () => {
    const header = editor({ authorization: "Basic abc" });
    const sent = (proxy: string): unknown => {
      const choice = chooseProxy(
        { own: undefined, editor: header, env: { HTTPS_PROXY: proxy } },
        endpointOf(https),
      );
      return choice.kind === "proxy" ? choice.address.authorization : choice.kind;
    };
    expect(sent("http://p")).toBe("Basic abc");
    expect(sent("http://ada:x@p")).toBeUndefined();
    expect(sent("socks5://p")).toBeUndefined();
  });
});

describe("exceptions", () => {
  test.each([
    ["*", "anything", 1, true],
    ["example.com", "example.com", 443, true],
    ["example.com", "a.b.example.com", 443, true],
    [".example.com", "example.com", 443, true],
    ["*.example.com", "a.example.com", 443, true],
    ["example.com", "badexample.com", 443, false],
    ["EXAMPLE.com.", "example.COM.", 443, true],
    ["example.com:8443", "example.com", 8443, true],
    ["example.com:8443", "example.com", 443, false],
    ["10.0.0.0/8", "10.1.2.3", 443, true],
    ["10.0.0.0/8", "11.1.2.3", 443, false],
    ["10.0.0.0/99", "10.1.2.3", 443, false],
    ["10.0.0.0/8", "ten.example", 443, false],
    ["10.1.2.3", "10.1.2.3", 443, true],
    ["10.1.2.3:80", "10.1.2.3", 443, false],
    ["0.1.2.3", "10.1.2.3", 443, false],
    ["2001:db8::/32", "2001:db8::5", 443, true],
    ["[2001:db8::5]:443", "2001:db8::5", 443, true],
    ["2001:db8:0::5", "2001:db8::5", 443, true],
    ["a.example b.example,c.example", "c.example", 443, true],
    ["", "example.com", 443, false],
    [".", "example.com", 443, false],
  ])("%j and %s:%d: %s", (list, host, port, expected) => {
    expect(isExempt(list, host, port)).toBe(expected);
  });

  test("any text is a list, and a domain of it excepts that domain and nothing that only ends like it", () => {
    const label = fc.stringMatching(/^[a-z]{1,8}$/);
    fc.assert(
      fc.property(fc.string(), fc.string(), (list, host) => {
        isExempt(list, host, 443);
      }),
    );
    fc.assert(
      fc.property(fc.tuple(label, label, label), ([a, b, c]) => {
        expect(isExempt(`${b}.${c}`, `${a}.${b}.${c}`, 1)).toBe(true);
        expect(isExempt(`${b}.${c}`, `${a}${b}.${c}`, 1)).toBe(false);
      }),
    );
  });
});

describe("a proxy's address", () => {
  test("keeps its credentials out of its label", () => {
    const address = parseProxyAddress("socks5h://ada:p%40ss%3Aw@[::1]:9050/", "X");
    expect(address.credentials).toEqual({ user: "ada", password: "p@ss:w" });
    expect(proxyLabel(address)).toBe("socks5://[::1]:9050");
  });

  test.each([
    "",
    "ftp://proxy.example",
    "http://",
    "http://proxy.example:99999",
    "http://proxy.example/path",
    "http://proxy.example?x",
    "http://a b",
    "http://us%3Aer:secret@proxy.example",
    "http://ada:secret%0d%0aX@proxy.example",
    "http://ada:secret%@proxy.example",
    `http://ada:${"secret".repeat(60)}@proxy.example`,
  ])("is not %j, and the refusal repeats nothing of it", (text) => {
    try {
      parseProxyAddress(text, "HTTPS_PROXY");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CommandError);
      expect(error).toMatchObject({ stage: "proxy", code: "bad_proxy" });
      expect(String(error)).toMatch(/HTTPS_PROXY is not the address of a proxy/);
      expect(String(error)).not.toContain("secret");
    }
  });
});
