// Who signed the certificate that was refused. Asked only after a failure, on a connection of its own that carries nothing and is
// closed at once: Node shows no certificate of a handshake that it has refused.

import { isIP, type Socket } from "node:net";
import { connect, type DetailedPeerCertificate, type PeerCertificate } from "node:tls";
import { printable } from "../../../protocol/values/printable.ts";
import { CommandError } from "../command-error.ts";
import type { StageRunner } from "./stage-run.ts";

/** Longer chains are nobody's. */
const MAX_CHAIN = 10;

/** The same failure with the issuer's name in it, where that can be found out. */
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
    // The failure itself is what matters; its own words name no issuer.
    return error;
  }
  if (issuer === undefined) return error;
  return new CommandError("tls", error.code, untrustedMessage(host, issuer, error.code), { cause: error });
}

/** @param issuer as in the certificate: whoever is in between has chosen it */
export function untrustedMessage(host: string, issuer: string, code: string): string {
  const name = printable(issuer, 120);
  if (code === "DEPTH_ZERO_SELF_SIGNED_CERT") {
    return `The certificate shown for ${host} is signed by nobody but itself ("${name}"): if it is your gateway's, add it with --ca FILE or SALLYPORT_CA; if not, something between here and the gateway replaces its certificate (${code}).`;
  }
  return `Something between here and ${host} replaces its certificate, or the gateway has an authority of its own: the one shown was issued by "${name}", which this machine does not trust. If that is your organisation's, get its authority's certificate and add it with --ca FILE or SALLYPORT_CA (${code}).`;
}

/** Of the last certificate that was presented, which is the nearest to an authority. Pure. */
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
      // For reading the refused certificate alone: not a byte is sent or taken on this connection.
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
