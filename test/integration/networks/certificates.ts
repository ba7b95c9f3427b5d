// Certificate authorities and what they sign, made for one test by OpenSSL.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class Authority {
  readonly #directory: string;
  readonly #name: string;
  /** Its own certificate, PEM. */
  readonly file: string;
  readonly #key: string;
  #signed = 0;

  /** `name` is the authority's common name. */
  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name.replace(/\W+/g, "-");
    this.file = join(directory, `${this.#name}.pem`);
    this.#key = join(directory, `${this.#name}.key`);
    const ca = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
    this.#openssl(["req", "-x509", ...newKey(this.#key), "-subj", `/CN=${name}`, ...ca, "-out", this.file]);
  }

  /** For servers and clients alike. `whole`: the authority's own certificate is presented too, as many interceptors do. */
  sign(names: readonly string[], { whole = false } = {}): Certificate {
    const base = join(this.#directory, `${this.#name}-${this.#signed++}`);
    const [cert, key, request, extensions] = [`${base}.pem`, `${base}.key`, `${base}.csr`, `${base}.ext`];
    this.#openssl(["req", ...newKey(key), "-subj", `/CN=${names[0] ?? "somebody"}`, "-out", request]);
    const alternatives = names.map((name) => `${/^[\d.]+$/.test(name) ? "IP" : "DNS"}:${name}`);
    writeFileSync(extensions, `subjectAltName=${alternatives.join(",")}\nbasicConstraints=CA:FALSE\n`);
    const signing = ["-CA", this.file, "-CAkey", this.#key, "-CAcreateserial", "-days", "2"];
    this.#openssl(["x509", "-req", "-in", request, ...signing, "-extfile", extensions, "-out", cert]);
    if (whole) writeFileSync(cert, readFileSync(cert, "utf8") + readFileSync(this.file, "utf8"));
    return { cert, key };
  }

  #openssl(args: readonly string[]): void {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  }
}

/** A copy of a key for programs that have given up root when they read it; the gateway refuses one that others may read. */
export function readableByOthers(key: string): string {
  const copy = `${key}.readable`;
  copyFileSync(key, copy);
  chmodSync(copy, 0o644);
  return copy;
}

function newKey(path: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path];
}
