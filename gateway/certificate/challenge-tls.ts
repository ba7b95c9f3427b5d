// TLS-ALPN-01 on the HTTPS port (RFC 8737): a connection that offers the protocol `acme-tls/1`, and only such
// a one, is shown the certificate that answers the running challenge for its name, and is then closed.

import { readFile } from "node:fs/promises";
import type { Server } from "node:https";
import { createSecureContext, type SecureContext, type TLSSocket, type TlsOptions } from "node:tls";
import { challengeFile } from "./stored-files.ts";

const ACME_PROTOCOL = "acme-tls/1";
const HTTP_PROTOCOL = "http/1.1";

/**
 * With TLS 1.3 the protocol is known before a certificate is chosen. With TLS 1.2 it is not, so there the
 * challenge is refused; the authorities' validators speak TLS 1.3.
 * @param names the only names that are answered for, whatever clients ask for
 */
export function challengeTls(directory: string, names: readonly string[]): TlsOptions {
  const asked = new WeakSet<TLSSocket>();
  return {
    // Node calls both as methods of the connection.
    ALPNCallback: function (this: TLSSocket, { protocols }: { protocols: string[] }) {
      if (protocols.length === 1 && protocols[0] === ACME_PROTOCOL && this.getProtocol() === "TLSv1.3") {
        asked.add(this);
        return ACME_PROTOCOL;
      }
      return protocols.includes(HTTP_PROTOCOL) ? HTTP_PROTOCOL : undefined;
    },
    SNICallback: function (
      this: TLSSocket,
      name: string,
      done: (error: Error | null, context?: SecureContext) => void,
    ) {
      if (!asked.has(this)) done(null);
      else if (!names.includes(name.toLowerCase())) done(new Error("no challenge runs for this name"));
      else {
        readFile(challengeFile(directory, name.toLowerCase()), "utf8")
          .then((pem) => createSecureContext({ cert: pem, key: pem, minVersion: "TLSv1.3" }))
          .then((context) => done(null, context), done);
      }
    },
  };
}

/** Closes the authority's connections once they have seen the certificate: there is no HTTP on them. */
export function closeAfterChallenge(server: Server): void {
  server.prependListener("secureConnection", (socket: TLSSocket) => {
    if (socket.alpnProtocol === ACME_PROTOCOL) socket.destroySoon();
  });
}
