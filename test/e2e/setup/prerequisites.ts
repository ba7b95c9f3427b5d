// What the end-to-end tests need on the machine. `.ci/run` installs it.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../support/programs/find-program.ts";
import { AUTHORITIES, ENTER } from "./enclosure.ts";

const PROGRAMS: readonly (readonly [string, string])[] = [
  ["ssh", "openssh-client"],
  ["nft", "nftables"],
  ["ip", "iproute2"],
  ["openssl", "openssl"],
  ["make", "make"],
  ["g++", "g++"],
  ["python3", "python3"],
];

export function findBrowser(): string | undefined {
  return find("chromium") ?? find("chromium-browser") ?? find("google-chrome");
}

/** Returns one sentence per missing thing; when it is empty, the tests can run. */
export function missing(): string[] {
  if (process.platform !== "linux") return ["they run on Linux only (namespaces)"];
  const lacking = PROGRAMS.filter(([program]) => find(program) === undefined).map(
    ([program, debian]) => `no ${program} (Debian: ${debian})`,
  );
  if (findBrowser() === undefined) lacking.push("no Chromium (Debian: chromium)");
  if (!existsSync(AUTHORITIES)) lacking.push("no certificate authorities (Debian: ca-certificates)");
  if (!hasHeader("gssapi/gssapi.h")) lacking.push("no Kerberos headers (Debian: libkrb5-dev)");
  const [unshare, ...flags] = ENTER;
  if (spawnSync(unshare, [...flags, "true"], { stdio: "ignore" }).status !== 0) {
    lacking.push("this user may not make namespaces (unshare)");
  }
  return lacking;
}

function find(program: string): string | undefined {
  return findProgram(program, ["/usr/sbin", "/sbin"]);
}

function hasHeader(name: string): boolean {
  return ["/usr/include", "/usr/include/mit-krb5", "/usr/local/include"].some((directory) =>
    existsSync(join(directory, name)),
  );
}
