// The certificate that this process serves: of files that somebody else renews (`--tls-cert`), or the one that
// the gateway orders itself (`--acme`). Both are read again in the same way, without a restart.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { TlsOptions } from "node:tls";
import type { GatewayOptions } from "../program/options.ts";
import { readGuardedFile } from "../program/private-files.ts";
import { reasonOf, StartError } from "../program/start-error.ts";
import { acmeDirectory } from "./acme-options.ts";
import { challengeTls, closeAfterChallenge } from "./challenge-tls.ts";

type CertificateFiles = NonNullable<GatewayOptions["tls"]>;

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export class ServerCertificate {
  readonly #files: CertificateFiles;
  /** What the gateway orders itself may not be there yet. */
  readonly #mayBeMissing: boolean;
  readonly #challengeTls: TlsOptions;
  #pair: KeyPair | undefined;
  #server: Server | undefined;
  #reloading: Promise<void> = Promise.resolve();

  private constructor(files: CertificateFiles, options: Pick<GatewayOptions, "acme" | "dataDir">) {
    const { acme, dataDir } = options;
    this.#files = files;
    this.#mayBeMissing = acme !== null;
    this.#challengeTls = acme?.challenges.includes("tls-alpn-01")
      ? challengeTls(acmeDirectory(dataDir, acme), acme.names)
      : {};
  }

  /** Returns null where the gateway serves without TLS. @throws StartError stage `tls` */
  static async load(
    options: Pick<GatewayOptions, "tls" | "acme" | "dataDir">,
  ): Promise<ServerCertificate | null> {
    if (options.tls === null) return null;
    const certificate = new ServerCertificate(options.tls, options);
    certificate.#pair = await certificate.#read();
    return certificate;
  }

  /** When the certificate that is served expires, in milliseconds since 1970; undefined: there is none. */
  get expiresAt(): number | undefined {
    return this.#pair === undefined ? undefined : new X509Certificate(this.#pair.cert).validToDate.getTime();
  }

  /** The one server that has this certificate. As long as there is none, it refuses every handshake. */
  createServer(limits: ServerOptions): Server {
    const server = createServer({ ...limits, ...this.#challengeTls, ...this.#pair });
    closeAfterChallenge(server);
    this.#server = server;
    return server;
  }

  /** Reads the files again; open connections keep the old certificate. @throws StartError stage `tls` */
  reload(): Promise<void> {
    // One after the other, so that the last one that was asked for is the one that is served.
    const reloaded = this.#reloading.then(() => this.#reload());
    this.#reloading = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #reload(): Promise<void> {
    this.#pair = (await this.#read()) ?? this.#pair;
    if (this.#pair !== undefined) this.#server?.setSecureContext(this.#pair);
  }

  async #read(): Promise<KeyPair | undefined> {
    if (this.#mayBeMissing && !existsSync(this.#files.certFile)) return undefined;
    return readTls(this.#files);
  }
}

async function readTls({ certFile, keyFile }: CertificateFiles): Promise<KeyPair> {
  const readKey = () =>
    readGuardedFile(keyFile, "group of root", { stage: "tls", what: "The certificate's key" });
  const [cert, key] =
    certFile === keyFile
      ? // One reading: the file may be replaced at any time.
        await readKey().then((both) => [both, both] as const)
      : await Promise.all([
          readGuardedFile(certFile, "readers", { stage: "tls", what: "The certificate" }),
          readKey(),
        ]);
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (error) {
    throw new StartError(
      "tls",
      `${certFile} and ${keyFile} are not a certificate and its private key in PEM form (${reasonOf(error)}).`,
      error,
    );
  }
  throw new StartError("tls", `The key ${keyFile} does not belong to the certificate ${certFile}.`);
}
