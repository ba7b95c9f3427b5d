import { describe, expect, test } from "vitest";
import { formatAddress } from "../../../../gateway/address.ts";
import { parseGatewayOptions } from "../../../support/gateway-options.ts";

const home = { HOME: "/home/ada" };

test("with nothing given, the gateway is local, closed and on its own directory", () => {
  expect(parseGatewayOptions([], home)).toEqual({
    json: false,
    options: {
      http: { host: "127.0.0.1", port: 8022 },
      ssh: null,
      publicSsh: null,
      trustedProxies: [],
      userCa: null,
      sshIdleTimeout: null,
      sshMaxSession: null,
      dataDir: "/home/ada/.local/share/sallyport/gateway",
      downloads: null,
      publicUrl: null,
      tls: null,
      acme: null,
      identity: { file: null, provider: null },
      trustProxy: [],
      open: false,
      firstToken: true,
      dashboard: true,
      deviceCodes: true,
      hostKeysAllowed: null,
      metrics: null,
      logLevel: "info",
      maxStreams: 10_000,
      workers: 1,
      settings: expect.any(Array),
      keySources: [
        { source: "github", url: "https://github.com" },
        { source: "gitlab", url: "https://gitlab.com" },
      ],
    },
  });
});

test("environment variables stand in for flags, and a flag wins", () => {
  const env = {
    SALLYPORT_HTTP: "[::1]:0",
    SALLYPORT_DATA: "/data",
    SALLYPORT_OPEN: "1",
    SALLYPORT_TRUST_PROXY: "loopback 10.0.0.0/8",
    SALLYPORT_LOG_LEVEL: "debug",
  };
  const { options } = parseGatewayOptions(["--data", "/other", "--public-url", "https://gw.example/x/"], env);
  expect(options).toMatchObject({
    http: { host: "::1", port: 0 },
    dataDir: "/other",
    open: true,
    trustProxy: ["loopback", "10.0.0.0/8"],
    publicUrl: "https://gw.example/x",
    logLevel: "debug",
  });
  expect(formatAddress(options.http)).toBe("[::1]:0");
});

test("the SSH port has its own address, proxies, authorities and times", () => {
  const { options } = parseGatewayOptions(
    ["--ssh", "0.0.0.0:2222", "--public-ssh", "ssh.example:22", "--user-ca", "/etc/ca.pub"],
    { ...home, SALLYPORT_TRUSTED_PROXIES: "10.0.0.1,loopback", SALLYPORT_SSH_IDLE_TIMEOUT: "3600" },
  );
  expect(options).toMatchObject({
    ssh: { host: "0.0.0.0", port: 2222 },
    publicSsh: { host: "ssh.example", port: 22 },
    trustedProxies: ["10.0.0.1", "loopback"],
    userCa: "/etc/ca.pub",
    sshIdleTimeout: 3600,
    sshMaxSession: null,
  });
});

describe("wrong usage is refused with a word on what is wrong", () => {
  test.each([
    [["--http", "8022"], /--http takes HOST:PORT/],
    [["--http", "127.0.0.1:70000"], /--http takes HOST:PORT/],
    [["--http", "[1.2.3.4]:80"], /--http takes HOST:PORT/],
    [["--ssh", "0.0.0.0:x"], /--ssh takes HOST:PORT/],
    [["--tls-cert", "cert.pem"], /go together/],
    [["--trust-proxy", "10.0.0.0\u002f33"], /--trust-proxy: .*10\.0\.0\.0/],
    [["--trust-proxy", "proxy.example"], /--trust-proxy/],
    [["--public-url", "https://user:pass@gw.example"], /--public-url/],
    [["--log-level", "loud"], /--log-level must be one of/],
    [["--max-streams", "0"], /--max-streams must be a number/],
    [["--trusted-proxies", "proxy.example"], /--trusted-proxies/],
    [["--public-ssh", "gw.example:22"], /without --ssh/],
    [["--ssh", "[::]:22", "--public-ssh", "gw.example:0"], /port that the public connects to/],
    [["--ssh-idle-timeout", "1h"], /--ssh-idle-timeout must be a number/],
    [["--nonsense"], /nonsense/],
    [["stray"], /stray/],
  ])("%j", (args, message) => {
    const parse = () => parseGatewayOptions(args, home);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ name: "UsageError" }));
  });
});

describe("--acme", () => {
  const named = ["--acme", "--public-url", "https://gw.example"];
  const acme = (...args: string[]) => parseGatewayOptions([...named, ...args], { HOME: "/h" }).options.acme;

  test("names the public URL's host, and keeps account and certificate apart for each authority", () => {
    const { options } = parseGatewayOptions([...named, "--data", "/data"], {});
    expect(options.acme).toEqual({
      names: ["gw.example"],
      publicUrl: "https://gw.example",
      email: null,
      directory: "https://acme-v02.api.letsencrypt.org/directory",
      caFile: null,
      http: null,
      challenges: ["tls-alpn-01"],
      externalAccount: null,
    });
    const file = "/data/acme/acme-v02.api.letsencrypt.org_directory/certificate.pem";
    expect(options.tls).toEqual({ certFile: file, keyFile: file });
    const other = parseGatewayOptions([...named, "--acme-directory", "https://[::1]:14000/../a/?b"], {});
    expect(other.options.tls?.certFile).toMatch(/\/acme\/_1_14000_a\/certificate\.pem$/);
  });

  test("takes further names once each, in lower case", () => {
    expect(acme("--acme-domain", "GW.example", "--acme-domain", "b.example,C.example")?.names).toEqual([
      "gw.example",
      "b.example",
      "c.example",
    ]);
  });

  test("tries HTTP-01 first where there is a port for it, and only what is chosen otherwise", () => {
    expect(acme("--acme-http", "0.0.0.0:80")?.challenges).toEqual(["http-01", "tls-alpn-01"]);
    expect(acme("--acme-http", "0.0.0.0:80", "--acme-challenge", "tls-alpn-01")?.challenges).toEqual([
      "tls-alpn-01",
    ]);
  });

  test.each([
    [["--acme"], /--public-url https:/],
    [["--acme", "--public-url", "http://gw.example"], /--public-url https:/],
    [["--acme", "--public-url", "https://192.0.2.1"], /no certificate for "192.0.2.1"/],
    [["--acme", "--public-url", "https://[::1]"], /no certificate for "::1"/],
    [["--acme", "--public-url", "https://localhost"], /no certificate for "localhost"/],
    [[...named, "--acme-domain", "*.example"], /without \*/],
    [[...named, "--acme-domain", "../x.example"], /no certificate for/],
    [
      [...named, "--acme-domain", Array.from({ length: 25 }, (_, i) => `n${i}.example`).join(",")],
      /25 names/,
    ],
    [[...named, "--acme-challenge", "http-01"], /needs --acme-http/],
    [["--acme-http", "0.0.0.0:80"], /--acme-http is part of --acme/],
    [[...named, "--acme-challenge", "dns-01"], /must be one of tls-alpn-01, http-01/],
    [[...named, "--acme-directory", "http://ca.example"], /with https/],
    [[...named, "--acme-eab-kid", "x"], /go together/],
    [[...named, "--acme-email", ""], /"" is not an e-mail address/],
    [[...named, "--tls-cert", "c", "--tls-key", "k"], /--acme takes the place/],
  ])("refuses %j", (args, message) => {
    expect(() => parseGatewayOptions(args, {})).toThrow(message);
  });
});
