// What replaces a program that `sallyport upgrade` must leave alone: the command of its package manager, or of who built it. Pure.

import type { ReleaseManifest } from "../../../protocol/release/manifest.ts";
import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import { CommandError } from "../../platform/command-error.ts";
import type { Installation } from "../../platform/installation/installation.ts";
import type { PackageManager } from "../../platform/installation/package-owner.ts";
import type { OwnInstallation } from "./install.ts";

/** Whether the program replaces itself. */
export function upgradesItself(installation: Installation): installation is OwnInstallation {
  return installation.kind === "script" || installation.kind === "file";
}

interface NewerRelease {
  readonly manifest: ReleaseManifest;
  /** Where its files are: a URL or a path that ends in a slash. */
  readonly base: string;
}

/** @param offer undefined: it is not known what is offered */
export function notByItself(
  installation: Exclude<Installation, OwnInstallation>,
  offer?: NewerRelease,
  architecture: string = process.arch,
): CommandError {
  const { path } = installation;
  switch (installation.kind) {
    case "package": {
      const { manager } = installation;
      const command = packageCommand(installation, offer, architecture);
      return refusal(
        `${path} belongs to the package ${installation.package}, so ${manager} upgrades it: ${command}`,
      );
    }
    case "npm": {
      const command = npmCommand(installation.global, offer);
      return refusal(`${path} was installed by npm, so npm upgrades it: ${command}`);
    }
    case "clone":
      return refusal(`${path} is a clone, so git upgrades it: run \`git pull && npm run build\` there.`);
    case "extension":
      return refusal(`${path} is part of the extension: install a newer version of it in your editor.`);
    case "copy":
      return refusal(
        `${path} is a copy of unknown origin: install the newer version with the gateway's install.sh.`,
      );
  }
}

const ARCHITECTURES: Readonly<Record<string, { readonly deb: string; readonly rpm: string }>> = {
  x64: { deb: "amd64", rpm: "x86_64" },
  arm64: { deb: "arm64", rpm: "aarch64" },
};

function packageCommand(
  { manager, package: name }: { readonly manager: PackageManager; readonly package: string },
  offer: NewerRelease | undefined,
  architecture: string,
): string {
  const { deb, rpm } = ARCHITECTURES[architecture] ?? { deb: architecture, rpm: architecture };
  const version = offer?.manifest.version ?? "";
  switch (manager) {
    case "dpkg":
      return (
        fetched(offer, `sallyport_${version}_${deb}.deb`, "sudo dpkg -i") ?? `sudo apt-get install ${name}`
      );
    case "rpm":
      return fetched(offer, `sallyport-${version}.${rpm}.rpm`, "sudo rpm -U") ?? `sudo dnf upgrade ${name}`;
    case "apk":
      return (
        fetched(offer, `sallyport_${version}_${rpm}.apk`, "sudo apk add --allow-untrusted") ??
        `sudo apk upgrade ${name}`
      );
    case "homebrew":
      return `brew upgrade ${name}`;
  }
}

function npmCommand(global: boolean, offer: NewerRelease | undefined): string {
  const install = `npm install ${global ? "--global " : ""}`;
  const name = `sallyport-${offer?.manifest.version}.tgz`;
  if (offer?.manifest.files.some((file) => file.name === name) === true) {
    return install + quoteForShell(`${offer.base}${name}`);
  }
  // Never by name: releases are in no registry, where somebody else may have taken the name.
  return `get the newer release's sallyport-VERSION.tgz, then ${install}./sallyport-VERSION.tgz`;
}

/** Downloads the package, if the release has it, and installs it. */
function fetched(offer: NewerRelease | undefined, name: string, install: string): string | undefined {
  if (offer?.manifest.files.some((file) => file.name === name) !== true) return undefined;
  if (!/^https?:/.test(offer.base)) return `${install} ${quoteForShell(`${offer.base}${name}`)}`;
  return `curl -fLO ${quoteForShell(`${offer.base}${name}`)} && ${install} ./${name}`;
}

function refusal(message: string): CommandError {
  return new CommandError("config", "not_by_itself", message);
}
