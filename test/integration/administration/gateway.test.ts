// /admin/health and /admin/settings: what they show, what they warn of, and that they show no secret.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseGatewayOptions } from "../../support/gateway-options.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";

const codes = (health: { warnings: { code: string }[] }) => health.warnings.map(({ code }) => code);

test("Health shows the request as it came, and warns of what does not fit", async () => {
  const gateway = await testGateway({ publicUrl: parseGatewayUrl("https://gateway.example") });
  const health = async (headers: Record<string, string> = {}) =>
    (await gateway.raw("GET", "/api/v1/admin/health", gateway.admin, { headers })).body;
  const plain = await health();
  expect(plain).toMatchObject({
    publicUrl: "https://gateway.example",
    publicUrlConfigured: true,
    workers: 1,
    trustedProxies: [],
    request: { address: "127.0.0.1", peer: "127.0.0.1", peerTrusted: false, forwarded: false, tls: false },
    certificate: null,
    ssh: null,
    database: { ok: true },
    pendingRevocations: 0,
    online: 0,
    streams: 0,
  });
  expect(Math.abs(Date.parse(plain.time) - Date.now())).toBeLessThan(5_000);
  expect(plain.database.bytes).toBeGreaterThan(10_000);
  expect(codes(plain)).toEqual(["other-host", "tls-ends-elsewhere"]);
  // A header of somebody who is not trusted changes neither the address nor the public URL.
  const forwarded = await health({
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    forwarded: "for=192.0.2.1;host=evil.example;proto=https",
  });
  expect(forwarded).toMatchObject({
    publicUrl: "https://gateway.example",
    request: { address: "127.0.0.1", forwarded: true, forwardedProto: "https" },
  });
  expect(codes(forwarded)).toContain("untrusted-forwarding");
});

test("A trusted proxy is no reason to warn", async () => {
  const gateway = await testGateway({ trustProxy: ["loopback"] });
  const answer = await gateway.raw("GET", "/api/v1/admin/health", gateway.admin, {
    headers: { "x-forwarded-for": "192.0.2.1" },
  });
  expect(answer.body.request).toMatchObject({ address: "192.0.2.1", peerTrusted: true, forwarded: true });
  expect(codes(answer.body)).toEqual(["no-public-url"]);
});

test.each([
  ["http://localhost:8022", false],
  ["http://127.0.0.1:8022", false],
  ["http://[::1]:8022", false],
  ["http://gateway.example", true],
  ["http://localhost.example", true],
  ["https://gateway.example", false],
])("The public URL %s is warned of as clear text: %s", async (publicUrl, warned) => {
  const gateway = await testGateway({ publicUrl: parseGatewayUrl(publicUrl) });
  const { body } = await gateway.raw("GET", "/api/v1/admin/health", gateway.admin);
  expect(codes(body).includes("plain-http")).toBe(warned);
});

test("Settings show every option, files by their name only, and no secret", async () => {
  const directory = temporaryDirectory();
  const keyFile = join(directory, "eab-key");
  writeFileSync(keyFile, "c2VjcmV0LWtleQ\n", { mode: 0o600 });
  const { options } = parseGatewayOptions(
    [
      ...["--http", "0.0.0.0:8443", "--data", directory, "--trust-proxy", "loopback,10.0.0.0/8", "--open"],
      ...[
        "--acme",
        "--public-url",
        "https://gateway.example",
        "--acme-eab-kid",
        "kid-1",
        "--acme-eab-key",
        keyFile,
      ],
    ],
    {},
  );
  const gateway = await testGateway({ settings: options.settings });
  const answer = await gateway.call("GET", "/admin/settings", gateway.admin);
  const shown = new Map<string, string | null>(
    answer.body.settings.map(({ option, value }: { option: string; value: string | null }) => [
      option,
      value,
    ]),
  );
  expect(Object.fromEntries(shown)).toMatchObject({
    "--http": "0.0.0.0:8443",
    "--public-url": "https://gateway.example",
    "--trust-proxy": "loopback, 10.0.0.0/8",
    "--open": "on",
    "--no-first-token": "off",
    "--ssh": "off",
    "--tls-cert": null,
    "--acme-eab-key": "eab-key",
    "--max-streams": "10000",
  });
  const text = JSON.stringify(answer.body);
  expect(text).not.toContain("c2VjcmV0");
  expect(text).not.toContain(directory);
});
