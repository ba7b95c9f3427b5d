// The platform of a release that this program belongs to.

import { PLATFORMS, type Platform } from "../../../protocol/release/manifest.ts";

/** undefined: releases have no program for this system. */
export function buildPlatform(
  system: NodeJS.Platform = process.platform,
  architecture: string = process.arch,
  isMusl: () => boolean = usesMusl,
): Platform | undefined {
  const family = system === "win32" ? "win" : system === "linux" && isMusl() ? "linux-musl" : system;
  return PLATFORMS.find((platform) => platform === `${family}-${architecture}`);
}

/** Node's own report names the glibc that it was started with; with musl there is none to name. */
function usesMusl(): boolean {
  const report: unknown = process.report.getReport();
  const header =
    typeof report === "object" && report !== null && "header" in report ? report.header : undefined;
  return !(typeof header === "object" && header !== null && "glibcVersionRuntime" in header);
}
