// An authority and a certificate for the addresses that the benchmark uses, made by openssl below its directory.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificate {
  readonly authority: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Certificate and key in one, as websocat takes them; its passphrase is `bench`. */
  readonly pkcs12File: string;
}

export function makeCertificate(directory: string, addresses: readonly string[]): Certificate {
  const at = (name: string) => join(directory, name);
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  const authority = ["-out", at("ca.pem"), "-keyout", at("ca-key.pem"), "-subj", "/CN=bench authority"];
  openssl("req", "-x509", ...key, ...authority, "-days", "2");
  openssl("req", ...key, "-out", at("server.csr"), "-keyout", at("server-key.pem"), "-subj", "/CN=localhost");
  const names = ["DNS:localhost", ...addresses.map((address) => `IP:${address}`)].join(",");
  writeFileSync(at("server.ext"), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
  const signed = ["-in", at("server.csr"), "-extfile", at("server.ext"), "-out", at("server.pem")];
  openssl(
    "x509",
    "-req",
    ...signed,
    "-CA",
    at("ca.pem"),
    "-CAkey",
    at("ca-key.pem"),
    "-CAcreateserial",
    "-days",
    "2",
  );
  const both = ["-in", at("server.pem"), "-inkey", at("server-key.pem"), "-out", at("server.p12")];
  openssl("pkcs12", "-export", ...both, "-passout", "pass:bench");
  return {
    authority: at("ca.pem"),
    certFile: at("server.pem"),
    keyFile: at("server-key.pem"),
    pkcs12File: at("server.p12"),
  };
}
