// The certificate authorities of Node and of the operating system. Loaded only where they are needed.

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

/** What Node trusts where nobody says otherwise; `extraFile` is NODE_EXTRA_CA_CERTS. */
export function nodesAuthorities(extraFile: string | undefined): string[] {
  // Node 22.15 and later; it knows the extra file.
  if (typeof tls.getCACertificates === "function") return tls.getCACertificates("default");
  const extra = extraFile === undefined ? undefined : bundle(extraFile);
  return [...tls.rootCertificates, ...(extra === undefined ? [] : [extra])];
}

/**
 * What the system's administrator trusts, in PEM. Node reads Windows' and macOS' stores since 22.15, and OpenSSL's files on
 * Linux, whose place differs between distributions; before that only the files are read.
 * @param file SSL_CERT_FILE, in the place of the well-known bundles
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
      // The store cannot be read: what the files gave is what there is.
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
    // Another distribution's place.
    return undefined;
  }
}
