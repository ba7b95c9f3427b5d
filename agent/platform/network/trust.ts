// Whom a TLS connection to a gateway trusts, and what it shows of itself. Nothing here turns verification off, and nothing
// anywhere else does.

import { readFileSync, statSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import { CommandError } from "../command-error.ts";
import { systemCode } from "../files/private-file.ts";
import type { Machine } from "../paths.ts";
import { VARIABLE } from "./network.ts";

const MAX_PEM_BYTES = 4 * 1024 * 1024;

export class Trust {
  readonly #env: Machine["env"];
  #own: SecureContextOptions | undefined;
  #withSystem: Promise<SecureContextOptions | undefined> | undefined;

  /** `env` names the files: see VARIABLE; NODE_EXTRA_CA_CERTS and SSL_CERT_FILE as Node and OpenSSL read them. */
  constructor(env: Machine["env"]) {
    this.#env = env;
  }

  /**
   * Node's authorities and the configured one, and the client certificate. Where nothing is configured this loads nothing.
   * @throws CommandError stage `tls`: a file is unreadable or holds something else
   */
  async options(): Promise<SecureContextOptions> {
    const caFile = this.#file(VARIABLE.ca);
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
    const system = systemAuthorities(process.platform, this.#file("SSL_CERT_FILE"));
    if (system.length === 0) return undefined;
    const own = await this.options();
    const known = own.ca === undefined ? await this.#nodesAuthorities() : [own.ca].flat();
    return { ...own, ca: [...known, ...system] };
  }

  async #nodesAuthorities(): Promise<string[]> {
    const { nodesAuthorities } = await import("./system-authorities.ts");
    return nodesAuthorities(this.#file("NODE_EXTRA_CA_CERTS"));
  }

  #file(name: string): string | undefined {
    const path = this.#env[name]?.trim();
    return path === "" ? undefined : path;
  }

  #clientCertificate(): SecureContextOptions {
    const clientCertFile = this.#file(VARIABLE.clientCert);
    const clientKeyFile = this.#file(VARIABLE.clientKey);
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
