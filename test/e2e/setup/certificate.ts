// The certificate of the tests' gateway, which every program in the enclosure trusts.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { GATEWAY_HOST } from "./enclosure.ts";

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** @throws Error with what openssl said */
export function makeCertificate(directory: string): Certificate {
  const [certFile, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", keyFile];
  const name = ["-subj", `/CN=${GATEWAY_HOST}`, "-addext", `subjectAltName=DNS:${GATEWAY_HOST}`];
  const made = spawnSync("openssl", ["req", "-x509", ...key, ...name, "-days", "2", "-out", certFile], {
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`);
  return { certFile, keyFile };
}
