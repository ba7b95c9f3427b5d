// The certificate authorities of Node and of the operating system. Loaded only when they are needed.

import { readFileSync, statSync } from "node:fs";
import tls from "node:tls";

/** Bundles of the usual distributions: Debian, Fedora and RHEL, openSUSE, Alpine and the BSDs. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
] as const;
const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;

/** The authorities that Node trusts by default; `extraFile` is NODE_EXTRA_CA_CERTS. */
export function nodesAuthorities(extraFile: string | undefined): string[] {
  // Node 22.15 and later, which reads the extra file itself.
  if (typeof tls.getCACertificates === "function") return tls.getCACertificates("default");
  const extra = extraFile === undefined ? undefined : bundle(extraFile);
  return [...tls.rootCertificates, ...(extra === undefined ? [] : [extra])];
}

/**
 * The authorities that the system's administrator trusts, in PEM. Since 22.15 Node reads the stores of Windows and macOS, and
 * OpenSSL's files on Linux, whose paths differ between distributions; before that, only the files are read.
 * @param file SSL_CERT_FILE, instead of the well-known bundles
 */
export function systemAuthorities(platform: NodeJS.Platform, file: string | undefined): string[] {
  const found = new Set<string>();
  if (platform !== "win32") {
    for (const path of file === undefined ? BUNDLES : [file]) {
      const text = bundle(path);
      if (text === undefined) continue;
      found.add(text);
      break;
    }
  }
  if (
    typeof tls.getCACertificates === "function" &&
    (platform === "win32" || platform === "darwin" || found.size === 0)
  ) {
    try {
      for (const certificate of tls.getCACertificates("system")) found.add(certificate);
    } catch {
      // The store cannot be read: the files have to do.
    }
  }
  return [...found];
}

function bundle(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_BUNDLE_BYTES) return undefined;
    const text = readFileSync(path, "utf8");
    return text.includes("-----BEGIN CERTIFICATE-----") ? text : undefined;
  } catch {
    // A path of some other distribution.
    return undefined;
  }
}
