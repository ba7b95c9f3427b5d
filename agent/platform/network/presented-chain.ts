// Finds out who signed a certificate that was refused. This takes a second connection, which carries no data and is closed at
// once: Node does not show the certificate of a handshake that it refused.

import { isIP, type Socket } from "node:net";
import { connect, type DetailedPeerCertificate, type PeerCertificate } from "node:tls";
import { printable } from "../../../protocol/values/printable.ts";
import { CommandError } from "../command-error.ts";
import type { StageRunner } from "./stage-run.ts";

/** No real chain is longer. */
const MAX_CHAIN = 10;

/** The same failure with the issuer's name in its message, if the name can be found out. */
export async function explainUntrusted(
  error: CommandError,
  host: string,
  openPlain: () => Promise<Socket>,
  runStage: StageRunner,
): Promise<CommandError> {
  let issuer: string | undefined;
  try {
    issuer = topIssuer(await readChain(await openPlain(), host, runStage));
  } catch {
    // The original failure is what matters; it only lacks the issuer's name.
    return error;
  }
  if (issuer === undefined) return error;
  return new CommandError("tls", error.code, untrustedMessage(host, issuer, error.code), { cause: error });
}

/** @param issuer from the certificate: an interceptor may have chosen it */
function untrustedMessage(host: string, issuer: string, code: string): string {
  const name = printable(issuer, 120);
  if (code === "DEPTH_ZERO_SELF_SIGNED_CERT") {
    return `The certificate of ${host} is self-signed ("${name}"): if it is your gateway's, add it with --ca FILE or SALLYPORT_CA; if not, something between this machine and the gateway replaces its certificate (${code}).`;
  }
  return `The certificate of ${host} was issued by "${name}", which this machine does not trust: the gateway uses a private authority, or something between this machine and the gateway replaces its certificate. If the authority is your organisation's, add its certificate with --ca FILE or SALLYPORT_CA (${code}).`;
}

/** The issuer of the last certificate in the chain, the one nearest to an authority. Pure. */
export function topIssuer(leaf: PeerCertificate | DetailedPeerCertificate): string | undefined {
  let top: PeerCertificate = leaf;
  for (let depth = 0; depth < MAX_CHAIN && "issuerCertificate" in top; depth++) {
    const next: unknown = top.issuerCertificate;
    if (!isCertificate(next) || next === top) break;
    top = next;
  }
  const { issuer } = top;
  if (issuer === undefined) return undefined;
  const [name] = [issuer.CN].flat();
  const [organisation] = [issuer.O].flat();
  if (name === undefined) return organisation;
  return organisation === undefined || name.includes(organisation) ? name : `${name}, ${organisation}`;
}

function isCertificate(value: unknown): value is PeerCertificate {
  return typeof value === "object" && value !== null && "issuer" in value;
}

function readChain(socket: Socket, host: string, runStage: StageRunner): Promise<DetailedPeerCertificate> {
  return runStage(`reading the certificate of ${host}`, (done, fail) => {
    const secured = connect({
      socket,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      host,
      // Only to read the refused certificate: this connection neither sends nor takes a byte of data.
      rejectUnauthorized: false,
    });
    secured.once("secureConnect", () => {
      const chain = secured.getPeerCertificate(true);
      secured.destroy();
      done(chain);
    });
    secured.once("error", fail);
    return () => secured.destroy();
  });
}
