// Keeps the transport in the SSH config of a window's workspace in step with the network, for Remote-SSH's next
// attempt.

import { applyConfig, type Managed, readManaged } from "../../agent/client/ssh-config/apply.ts";
import { desiredConfig } from "../../agent/client/ssh-config/desired-config.ts";
import type { Section } from "../../agent/client/ssh-config/managed-config.ts";
import { withOwnerTokens } from "../../agent/client/ssh-config/owner-token-blocks.ts";
import { workspaceKey } from "../../agent/client/workspaces/workspace-list.ts";
import type { Gateway } from "../accounts/gateways.ts";
import { listingOf } from "../connect/config-step.ts";
import { findTransport } from "../connect/transport-step.ts";
import type { Services } from "../services.ts";
import { ensureLauncher } from "../ssh-config/launcher.ts";
import { managedPaths, managedSections, sectionTransport, sshFor } from "../ssh-config/managed-config.ts";

/** Probes the network and, where the other transport is the right one now, writes it. Returns whether it did. */
export async function refreshTransport(
  services: Services,
  section: Section,
  signal: AbortSignal,
): Promise<boolean> {
  await services.gateways.list();
  const gateway = services.gateways.get(section.gateway);
  if (gateway === undefined || sectionTransport(section) === "owner-token") return false;
  // An accountless workspace is in no list, and is reached through the tunnel only.
  if (!(await gateway.list(signal)).some(({ id }) => id === section.id)) return false;
  // Right after a connect the cached answer is a few seconds old and valid. Before a reconnect it may be what has
  // changed.
  const found = await findTransport(gateway, signal, !isRecent(services, section));
  // During the probe another window may have changed the block already, or removed it.
  const current = managedSections().find(({ alias }) => alias === section.alias);
  if (current === undefined || found.transport === current.transport) return false;
  await rewrite(services, gateway, found, signal);
  services.log.info(`${section.alias}: ${found.transport} from now on (${found.because}).`);
  return true;
}

function isRecent({ history }: Services, { gateway, id }: Section): boolean {
  const used = history.lastUse.get(workspaceKey(gateway, id));
  return used !== undefined && Date.now() - used < 60_000;
}

async function rewrite(
  services: Services,
  gateway: Gateway,
  found: Awaited<ReturnType<typeof findTransport>>,
  signal: AbortSignal,
): Promise<void> {
  const paths = managedPaths();
  const [launcher, listing] = [await ensureLauncher(services), await listingOf(gateway, found)];
  const place = { knownHosts: paths.knownHosts, platform: process.platform };
  const wanted = (now: Managed) => {
    const desired = desiredConfig(now, [listing], { place, launcher, transport: found.transport });
    return withOwnerTokens(desired, now, [listing], undefined, place);
  };
  const planned = wanted(readManaged(paths));
  // Nobody can be asked about a changed host key here: the old one stays pinned, and ssh refuses.
  if (planned.changedKeys.length > 0) return;
  signal.throwIfAborted();
  await applyConfig({
    paths,
    change: (now) => wanted(now).managed,
    include: undefined,
    expect: [],
    ssh: sshFor(paths),
  });
}
