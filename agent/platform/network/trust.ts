// Which authorities a TLS connection to a gateway trusts, and which client certificate it shows. Nothing here, or anywhere
// else, turns verification off.

import { readFileSync, statSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import { CommandError } from "../command-error.ts";
import { systemCode } from "../files/private-file.ts";

const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** Paths of PEM files; undefined: none is configured. */
export interface TrustFiles {
  readonly ca: string | undefined;
  readonly clientCert: string | undefined;
  /** undefined: the key is in the file of the certificate. */
  readonly clientKey: string | undefined;
  /** NODE_EXTRA_CA_CERTS, as Node reads it. */
  readonly nodeExtraCa: string | undefined;
  /** SSL_CERT_FILE, as OpenSSL reads it: replaces the system's own bundle. */
  readonly systemCa: string | undefined;
}

export class Trust {
  readonly #files: TrustFiles;
  #own: SecureContextOptions | undefined;
  #withSystem: Promise<SecureContextOptions | undefined> | undefined;

  constructor(files: TrustFiles) {
    this.#files = files;
  }

  /**
   * Node's authorities, the configured authority and the client certificate. Loads nothing where nothing is configured.
   * @throws CommandError stage `tls`: a file is unreadable or holds something else
   */
  async options(): Promise<SecureContextOptions> {
    const { ca } = this.#files;
    this.#own ??= {
      ...this.#clientCertificate(),
      ...(ca === undefined ? {} : { ca: [...(await this.#nodesAuthorities()), pem(ca, "CERTIFICATE")] }),
    };
    return this.#own;
  }

  /**
   * The same with the system's authorities, which may include an organisation's own; undefined where this Node cannot read
   * them. Used only after the others have failed: most connections do not need them, and parsing a few hundred certificates
   * takes longer than the rest of a companion's start.
   */
  withSystemAuthorities(): Promise<SecureContextOptions | undefined> {
    this.#withSystem ??= this.#loadSystem();
    return this.#withSystem;
  }

  async #loadSystem(): Promise<SecureContextOptions | undefined> {
    const { systemAuthorities } = await import("./system-authorities.ts");
    const system = systemAuthorities(process.platform, this.#files.systemCa);
    if (system.length === 0) return undefined;
    const own = await this.options();
    const known = own.ca === undefined ? await this.#nodesAuthorities() : [own.ca].flat();
    return { ...own, ca: [...known, ...system] };
  }

  async #nodesAuthorities(): Promise<string[]> {
    const { nodesAuthorities } = await import("./system-authorities.ts");
    return nodesAuthorities(this.#files.nodeExtraCa);
  }

  #clientCertificate(): SecureContextOptions {
    const { clientCert, clientKey } = this.#files;
    if (clientCert === undefined) {
      if (clientKey === undefined) return {};
      throw new CommandError(
        "tls",
        "bad_client_cert",
        "A client key needs its certificate: --client-cert FILE.",
      );
    }
    // One file may hold both, as with curl.
    return {
      cert: pem(clientCert, "CERTIFICATE"),
      key: pem(clientKey ?? clientCert, "PRIVATE KEY"),
    };
  }
}

function pem(path: string, kind: "CERTIFICATE" | "PRIVATE KEY"): string {
  let text: string;
  try {
    if (statSync(path).size > MAX_PEM_BYTES) throw new CommandError("tls", "EFBIG", `${path} is too large.`);
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    const code = systemCode(cause);
    throw new CommandError("tls", code, `${path} cannot be read (${code}).`, { cause });
  }
  if (new RegExp(`-----BEGIN (?:[A-Z]+ )*${kind}-----`).test(text)) return text;
  const what = kind === "CERTIFICATE" ? "certificate" : "private key";
  throw new CommandError(
    "tls",
    "bad_pem",
    `${path} contains no ${what} in PEM form (-----BEGIN ${kind}-----).`,
  );
}
