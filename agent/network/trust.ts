// Whom a TLS connection to a gateway trusts, and what it shows of itself. Nothing here turns verification off, and nothing
// anywhere else does.

import { readFileSync, statSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import { CommandError } from "../command.ts";
import { systemCode } from "../files/private-file.ts";

export interface TrustSettings {
  /** PEM, one or more certificates: trusted besides the others. */
  readonly caFile: string | undefined;
  readonly clientCertFile: string | undefined;
  readonly clientKeyFile: string | undefined;
  /** NODE_EXTRA_CA_CERTS: Node takes it by itself, unless it is given other authorities. */
  readonly nodeExtraCaFile: string | undefined;
  /** SSL_CERT_FILE: where OpenSSL looks for the system's authorities. */
  readonly systemCaFile: string | undefined;
}

const MAX_PEM_BYTES = 4 * 1024 * 1024;

export class Trust {
  readonly #settings: TrustSettings;
  #own: SecureContextOptions | undefined;
  #withSystem: Promise<SecureContextOptions | undefined> | undefined;

  constructor(settings: TrustSettings) {
    this.#settings = settings;
  }

  /**
   * Node's authorities and the configured one, and the client certificate. Where nothing is configured this loads nothing.
   * @throws CommandError stage `tls`: a file is unreadable or holds something else
   */
  async options(): Promise<SecureContextOptions> {
    const { caFile, clientCertFile, clientKeyFile } = this.#settings;
    if (caFile === undefined && clientCertFile === undefined && clientKeyFile === undefined) return {};
    this.#own ??= {
      ...this.#clientCertificate(),
      ...(caFile === undefined
        ? {}
        : { ca: [...(await this.#nodesAuthorities()), pem(caFile, "CERTIFICATE")] }),
    };
    return this.#own;
  }

  /**
   * The same with the system's authorities, among which an organisation's own are found; undefined where this Node
   * cannot read them. They are asked for only once the others have failed: most connections need none of it, and parsing
   * a few hundred certificates takes longer than the rest of a companion's start.
   */
  withSystemAuthorities(): Promise<SecureContextOptions | undefined> {
    this.#withSystem ??= this.#loadSystem();
    return this.#withSystem;
  }

  async #loadSystem(): Promise<SecureContextOptions | undefined> {
    const { systemAuthorities } = await import("./system-authorities.ts");
    const system = systemAuthorities(process.platform, this.#settings.systemCaFile);
    if (system.length === 0) return undefined;
    const own = await this.options();
    const known = own.ca === undefined ? await this.#nodesAuthorities() : [own.ca].flat();
    return { ...own, ca: [...known, ...system] };
  }

  async #nodesAuthorities(): Promise<string[]> {
    const { nodesAuthorities } = await import("./system-authorities.ts");
    return nodesAuthorities(this.#settings.nodeExtraCaFile);
  }

  #clientCertificate(): SecureContextOptions {
    const { clientCertFile, clientKeyFile } = this.#settings;
    if (clientCertFile === undefined) {
      if (clientKeyFile === undefined) return {};
      throw new CommandError(
        "tls",
        "bad_client_cert",
        "A client key needs its certificate: --client-cert FILE.",
      );
    }
    // One file may hold both, as curl has it.
    return {
      cert: pem(clientCertFile, "CERTIFICATE"),
      key: pem(clientKeyFile ?? clientCertFile, "PRIVATE KEY"),
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
  throw new CommandError("tls", "bad_pem", `${path} holds no ${what} in PEM form (-----BEGIN ${kind}-----).`);
}
