// `sallyport upgrade`: replaces this program by a newer version, or says whether there is one.

import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import type { ReleaseFile } from "../../../../protocol/release/manifest.ts";
import { RELEASE_KEYS } from "../../../../protocol/release/signature.ts";
import { VERSION } from "../../../../protocol/version.ts";
import { goBack, startedAs } from "../../../client/upgrade/install.ts";
import {
  directorySource,
  gatewaySource,
  type ReleaseSource,
  urlSource,
} from "../../../client/upgrade/release-source.ts";
import { checkForNewer, upgrade } from "../../../client/upgrade/upgrade.ts";
import { notByItself, upgradesItself } from "../../../client/upgrade/who-upgrades.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { resolveGateway } from "../../../platform/credentials/store.ts";
import { buildPlatform } from "../../../platform/installation/build-platform.ts";
import {
  findInstallation,
  type Installation,
  thisProgram,
} from "../../../platform/installation/installation.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";
import { json } from "../../../platform/output.ts";
import { definition } from "./definition.ts";

/** Of `--check`, as dnf and zypper have it. */
const NEWER = 100;

async function run(
  { options, operands }: Input<typeof definition>,
  context: CommandContext,
): Promise<number> {
  const { version } = operands;
  const { signal } = context;
  if (options.back && (options.check || version !== undefined || options.from !== undefined)) {
    throw new UsageError("--back takes no VERSION, no --check and no --from.");
  }
  if (options.check && version !== undefined) throw new UsageError("--check takes no VERSION.");
  if (options.check) {
    const source = sourceOf(options, context);
    const { offered, newer } = await checkForNewer(source, { keys: RELEASE_KEYS, running: VERSION, signal });
    if (options.json) context.stdout.write(json({ version: VERSION, offered, newer }));
    else {
      const advice = newer ? ": `sallyport upgrade` installs it" : "";
      context.stdout.write(`This is sallyport ${VERSION}; ${source.name} offers ${offered}${advice}.\n`);
    }
    return newer ? NEWER : 0;
  }
  const installation = await findInstallation(thisProgram(), signal);
  if (options.back) {
    if (!upgradesItself(installation)) throw notByItself(installation);
    tell(options.json, context, installation, {
      version: await goBack(installation, { signal }),
      changed: true,
    });
    return 0;
  }
  const outcome = await upgrade({
    installation,
    running: VERSION,
    platform: buildPlatform(),
    source: () => sourceOf(options, context),
    keys: RELEASE_KEYS,
    version,
    signal,
    progress: progressOn(context),
  });
  tell(options.json, context, installation, outcome);
  return 0;
}

function sourceOf(
  { from, gateway }: Input<typeof definition>["options"],
  { env }: CommandContext,
): ReleaseSource {
  const network = networkFrom(env);
  if (from === undefined) return gatewaySource(resolveGateway(gateway, env), network);
  if (!/^https?:\/\//i.test(from)) return directorySource(directoryOf(resolve(from)));
  const url = URL.canParse(from) ? new URL(from) : undefined;
  if (
    url === undefined ||
    url.username !== "" ||
    url.password !== "" ||
    url.search !== "" ||
    url.hash !== ""
  ) {
    throw new UsageError(
      "--from must be the URL of a directory, without a user name, a query and a fragment.",
    );
  }
  // Any file of the release stands for its directory.
  if (/\.(?:json|sig|gz|xz)$/.test(url.pathname)) return urlSource(new URL(".", url), network);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return urlSource(url, network);
}

/** Any file of the release stands for its directory. */
function directoryOf(path: string): string {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined) throw new CommandError("file", "ENOENT", `There is no ${path}.`);
  return facts.isDirectory() ? path : dirname(path);
}

function tell(
  asJson: boolean,
  { stdout, stderr }: CommandContext,
  installation: Installation,
  { version, changed }: { readonly version: string; readonly changed: boolean },
): void {
  if (asJson) stdout.write(json({ version: VERSION, installed: version, changed }));
  else if (!changed) stdout.write(`sallyport ${version} is up to date.\n`);
  else {
    const path = upgradesItself(installation) ? startedAs(installation) : installation.path;
    stdout.write(`${path} is now version ${version}; \`sallyport upgrade --back\` returns to ${VERSION}.\n`);
    stderr.write(
      `Hosts and tunnels that run go on with the version that they were started with, until they are restarted; \`sallyport host service-status\` tells of a service.\n`,
    );
  }
}

/** One line on a terminal, which the result replaces. */
function progressOn({ stderr }: CommandContext): (file: ReleaseFile, bytes: number) => void {
  if (!("isTTY" in stderr) || stderr.isTTY !== true) return () => {};
  let shown = -1;
  return ({ name, size }, bytes) => {
    const percent = Math.floor((bytes / size) * 100);
    if (percent === shown) return;
    shown = percent;
    stderr.write(percent === 100 ? "\r\x1b[K" : `\r\x1b[Kfetching ${name}: ${percent} %`);
  };
}

export const command = executable(definition, run);
