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
      publicUrl: null,
      tls: null,
      acme: null,
      trustProxy: [],
      open: false,
      firstToken: true,
      hostKeysAllowed: null,
      metrics: null,
      logLevel: "info",
      maxStreams: 10_000,
      workers: 1,
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
