// The three formats of system packages, and how each names architectures and files.

import type { Platform } from "../../../protocol/release/manifest.ts";

export type Format = "deb" | "rpm" | "apk";

export interface SystemPackage {
  readonly format: Format;
  /** Whose program is in it: Alpine's packages have the one for musl. */
  readonly platform: Platform;
  /** In the words of the format. */
  readonly architecture: string;
}

export const SYSTEM_PACKAGES: readonly SystemPackage[] = [
  { format: "deb", platform: "linux-x64", architecture: "amd64" },
  { format: "deb", platform: "linux-arm64", architecture: "arm64" },
  { format: "rpm", platform: "linux-x64", architecture: "x86_64" },
  { format: "rpm", platform: "linux-arm64", architecture: "aarch64" },
  { format: "apk", platform: "linux-musl-x64", architecture: "x86_64" },
  { format: "apk", platform: "linux-musl-arm64", architecture: "aarch64" },
];

/** Its name in the release directory. */
export function packageFile({ format, architecture }: SystemPackage, version: string): string {
  return format === "rpm"
    ? `sallyport-${version}.${architecture}.rpm`
    : `sallyport_${version}_${architecture}.${format}`;
}
