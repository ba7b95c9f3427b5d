import { spawnSync } from "node:child_process";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import {
  challengeCertificate,
  newKey,
  signingRequest,
} from "../../../../gateway/certificate/acme/own-certificate.ts";
import { certificateId } from "../../../../gateway/certificate/acme/renewal-info.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const NAMES = Array.from({ length: 25 }, (_, i) => `name-${i}.${"long-label".repeat(5)}.example`);

test.skipIf(!hasOpenssl)(
  `openssl reads the signing request, for one name and for many${hasOpenssl ? "" : " (openssl is missing)"}`,
  () => {
    for (const names of [["gateway.example"], NAMES]) {
      const input = signingRequest(names, newKey());
      const args = ["req", "-inform", "DER", "-noout", "-text", "-verify"];
      const { status, stdout, stderr } = spawnSync("openssl", args, { input, encoding: "utf8" });
      expect(status, stderr).toBe(0);
      expect(stderr + stdout).toMatch(/verify OK/);
      expect(stdout).toMatch(/Subject: *\n/);
      expect(stdout).toContain(names.map((name) => `DNS:${name}`).join(", "));
    }
  },
);

test("the certificate for a challenge names the name, carries the digest as a critical extension, and fits its key", () => {
  const pem = challengeCertificate("gateway.example", "token.thumbprint", new Date("2026-12-01T00:00:00Z"));
  const certificate = new X509Certificate(pem);
  expect(certificate.subjectAltName).toBe("DNS:gateway.example");
  expect(certificate.checkPrivateKey(createPrivateKey(pem))).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.validFromDate.toISOString()).toBe("2026-11-30T00:00:00.000Z");
  const digest = createHash("sha256").update("token.thumbprint").digest("hex");
  // RFC 8737 §3: the OID 1.3.6.1.5.5.7.1.31, TRUE, and the digest in an OCTET STRING within one.
  expect(certificate.raw.toString("hex")).toContain(`06082b0601050507011f0101ff04220420${digest}`);
});

test("a certificate is named by its issuer's key and its serial number (the example of RFC 9773)", () => {
  expect(certificateId(RFC_9773)).toBe("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
});

// RFC 9773, Appendix A.
const RFC_9773 = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;
