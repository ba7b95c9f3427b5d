// The whole gateway: starts its parts in order, and ends them in reverse. Used by the command and by tests.

import { assertNever } from "../protocol/assert-never.ts";
import { gatewayHost } from "../protocol/values/gateway-url.ts";
import { parsePort, type SshAddress } from "../protocol/values/host-name.ts";
import { clientAddressOf, formatAddress, type ListenAddress } from "./address.ts";
import { startAutomaticCertificate } from "./certificate/automatic-certificate.ts";
import { ServerCertificate } from "./certificate/server-certificate.ts";
import { perWorker } from "./cluster/per-worker.ts";
import type { Siblings } from "./cluster/siblings.ts";
import { type HostKeys, loadHostKeys } from "./host-keys/host-keys.ts";
import { createApi } from "./http/api.ts";
import { discovery } from "./http/discovery.ts";
import { openDownloads } from "./http/downloads/downloads.ts";
import { EventStreams } from "./http/event-streams.ts";
import { SignInThrottle } from "./http/sign-in-throttle.ts";
import { keepsCookies } from "./identity/browser-session/browser-session.ts";
import { startIdentity } from "./identity/identity.ts";
import { LinkRegistry } from "./link/registry.ts";
import { PendingStreams } from "./link/streams/pending-streams.ts";
import { LiveConnections } from "./live-connections.ts";
import { createGatewayLog } from "./log.ts";
import { createMetrics, createMetricsServer, type MetricsRegistry } from "./metrics.ts";
import { OpenConnections } from "./open-connections.ts";
import { createFirstAdmin } from "./program/first-admin.ts";
import type { GatewayOptions } from "./program/options.ts";
import { writePublicUrl } from "./program/public-url-file.ts";
import { startPruning } from "./pruning.ts";
import { publicUrlOf, warnOfPlainHttp } from "./public-url.ts";
import { closeServer, createGatewayServer, listen, trackConnections } from "./server.ts";
import { type CreatedSshPort, createSshPort, type SshLimits } from "./ssh/create-ssh-port.ts";
import { lockDataDir, openDatabase, prepareDataDir } from "./store/database/sqlite.ts";
import { endSharesInTime } from "./store/shares/share-end.ts";
import { Store } from "./store/store.ts";
import { serveUpgrades } from "./upgrades/upgrades.ts";
import { readAllowedHosts } from "./upterm/allowed-hosts.ts";
import { createUptermFront } from "./upterm/front.ts";
import { UPTERM_HOST_LIMITS } from "./upterm/host-connection.ts";
import { SESSION_LIMITS, UptermSessions } from "./upterm/sessions.ts";

export interface RunningGateway {
  /** The URL of the address that it listens on; the public URL may differ. */
  readonly httpUrl: string;
  readonly metricsUrl: string | null;
  /** The address that it listens on for SSH. */
  readonly ssh: ListenAddress | null;
  /** The administrator token; only at the first start. */
  readonly adminToken?: string;
  readonly store: Store;
  readonly registry: LinkRegistry;
  readonly hostKeys: HostKeys;
  readonly metrics: MetricsRegistry;
  /** Reads the certificate's files again. @throws StartError: the old certificate stays in use */
  reloadTls(): Promise<void>;
  /** Ends everything within 10 s. Further calls wait for the same end. */
  close(): Promise<void>;
}

/**
 * @param writeLog gets each log line, complete with its line end
 * @param sshLimits limits that differ from the defaults; for tests
 * @param siblings given where this is one of several processes: the primary then prepares and locks the data
 *   directory, and serves the metrics
 * @throws StartError the data directory, the certificate or an address cannot be used
 */
export async function startGateway(
  options: GatewayOptions,
  writeLog: (line: string) => void,
  sshLimits: Partial<SshLimits> = {},
  siblings?: Siblings,
): Promise<RunningGateway> {
  const processes = siblings?.count ?? 1;
  const log = createGatewayLog(options.logLevel, writeLog, siblings?.slot);
  // Ends what has been started if a later step fails; otherwise `close` does.
  await using started = new AsyncDisposableStack();

  const certificate = await ServerCertificate.load(options);
  const server = createGatewayServer(options, certificate);
  const sockets = trackConnections(server);
  if (siblings === undefined) {
    prepareDataDir(options.dataDir);
    const lock = lockDataDir(options.dataDir);
    started.defer(() => lock.release());
  }
  const hostKeys = await loadHostKeys(options.dataDir);
  const store = await Store.open(openDatabase(options.dataDir), {
    log,
    migrate: siblings === undefined,
    processes,
    onOwnChange: (change, durability) => siblings?.tell({ kind: "directory", change, durability }),
  });
  started.defer(() => store.close());

  const registry = new LinkRegistry(siblings?.routes);
  const isFirst = siblings === undefined || siblings.slot === 0;
  if (isFirst) {
    const prune = startPruning(store, registry, log);
    started.defer(() => prune.stop());
    started.defer(endSharesInTime(store, log));
  }

  const throttle = new SignInThrottle(Date.now, (address) =>
    siblings?.tell({ kind: "sign-in-failed", address }),
  );
  const ownAddress = clientAddressOf(options.trustProxy);
  const clientAddress: typeof ownAddress =
    siblings === undefined
      ? ownAddress
      : (request) => siblings.handover.clientAddress(request) ?? ownAddress(request);
  const connections = new OpenConnections(perWorker(options.maxStreams, processes));
  let ssh: CreatedSshPort | undefined;
  siblings?.onNews((news) => {
    switch (news.kind) {
      case "directory":
        store.follow(news.change, news.durability);
        break;
      case "sign-in-failed":
        throttle.failedElsewhere(news.address);
        break;
      case "offence":
        ssh?.admission.penalize(news.address, news.offence);
        break;
      default:
        assertNever(news);
    }
  });
  const metrics = createMetrics({
    process: options.metrics !== null,
    levels: {
      links: () => registry.size,
      streams: () => connections.streams,
      sshConnections: () => ssh?.port.connections ?? 0,
      sshPending: () => ssh?.admission.pending ?? 0,
      sshPenalized: () => ssh?.admission.penalized ?? 0,
      unwritten: () => store.unwritten.size,
      ...(certificate === null ? {} : { certificateExpiresAt: () => certificate.expiresAt }),
    },
  });
  let metricsUrl: string | null = null;
  if (options.metrics !== null && siblings === undefined) {
    const metricsServer = createMetricsServer(metrics);
    const readers = trackConnections(metricsServer);
    metricsUrl = `http://${formatAddress(await listen(metricsServer, options.metrics))}/metrics`;
    started.defer(() => closeServer(metricsServer, readers));
  }

  let shuttingDown = false;
  let publicUrl = options.publicUrl ?? publicUrlOf(options.http, options.tls !== null);
  let boundSsh: ListenAddress | null = null;
  const publicSsh = (): SshAddress | null =>
    boundSsh === null
      ? null
      : (options.publicSsh ?? { host: gatewayHost(publicUrl), port: parsePort(boundSsh.port) });
  const events = new EventStreams({ store, presence: registry, log });
  started.defer(() => events.close());
  const downloads = openDownloads({ directory: options.downloads, log, processes, isFirst });
  started.defer(() => downloads?.close());
  const identity = await startIdentity({ options, store, log, publicUrl: () => publicUrl, isFirst });
  started.defer(() => identity.close());
  const api = await createApi({
    downloads,
    server,
    store,
    presence: registry,
    events,
    connections: new LiveConnections(connections, siblings),
    throttle,
    clientAddress,
    metrics,
    log,
    publicUrl: () => publicUrl,
    ...identity,
    dashboard: options.dashboard,
    discovery: () =>
      discovery({
        publicUrl,
        ssh: publicSsh(),
        hostKeys,
        options,
        oauth: options.dashboard && keepsCookies({ publicUrl: () => publicUrl }),
      }),
    isShuttingDown: () => shuttingDown,
    operation: {
      options,
      startedAt: new Date(),
      ssh: publicSsh,
      certificateExpiresAt: () => certificate?.expiresAt,
      streams: () => connections.streams,
      online: () => [...registry.everywhere()].length,
    },
  });
  started.defer(() => api.close());
  started.defer(() => closeServer(server, sockets));
  const upgrades = serveUpgrades({
    server,
    directory: store,
    registry,
    pending: siblings?.pending ?? new PendingStreams(),
    handover: siblings?.handover,
    workers: processes,
    log,
    metrics,
    throttle,
    gatewayKeys: hostKeys.publicKeys,
    publicUrl: () => publicUrl,
    ssh: publicSsh,
    clientAddress,
    allowAccountless: options.open,
    connections,
    sshServer: () => ssh?.port,
  });
  started.defer(async () => {
    shuttingDown = true;
    events.close();
    await upgrades.close();
    await siblings?.handover.close();
  });
  await siblings?.handover.listen(server);

  if (options.ssh !== null) {
    const parts = { options, hostKeys, directory: store, registry, connections, log, metrics };
    const upterm = createUptermFront({
      sessions: new UptermSessions(SESSION_LIMITS, siblings?.sessions),
      allowed:
        options.hostKeysAllowed === null ? undefined : await readAllowedHosts(options.hostKeysAllowed, log),
      allowAccountless: options.open,
      nodeAddress: () => formatAddress(publicSsh() ?? { host: gatewayHost(publicUrl), port: 22 }),
      audit: (event) => store.audit(event),
      log,
      limits: UPTERM_HOST_LIMITS,
    });
    const created = await createSshPort({
      ...parts,
      upterm,
      publicAddress: publicSsh,
      limits: sshLimits,
      processes,
      onOffence: (address, offence) => siblings?.tell({ kind: "offence", address, offence }),
    });
    ssh = created;
    // Closed before the links, so that clients are told first.
    started.defer(() => created.port.close());
    boundSsh = await created.port.listen(options.ssh);
  }

  const bound = await listen(server, options.http);
  publicUrl = options.publicUrl ?? publicUrlOf(bound, options.tls !== null);
  if (isFirst) {
    warnOfPlainHttp(options, log);
    await writePublicUrl(options.dataDir, publicUrl, log);
  }
  if (options.acme !== null && siblings === undefined) {
    started.use(
      await startAutomaticCertificate({
        acme: options.acme,
        dataDir: options.dataDir,
        log,
        audit: (event) => store.audit(event),
        failed: metrics.acmeFailed,
        installed: async () => certificate?.reload(),
      }),
    );
  }
  // Last of all: a first start that fails prints no token, so it must not create one.
  const adminToken = siblings === undefined ? await createFirstAdmin(store, options.firstToken) : undefined;
  log.info(
    { http: formatAddress(bound), ssh: boundSsh === null ? null : formatAddress(boundSsh), publicUrl },
    "The gateway is ready.",
  );

  const parts = started.move();
  let closed: Promise<void> | undefined;
  return {
    httpUrl: `${options.tls === null ? "http" : "https"}://${formatAddress(bound)}`,
    metricsUrl,
    ssh: boundSsh,
    ...(adminToken === undefined ? {} : { adminToken }),
    store,
    registry,
    hostKeys,
    metrics,
    reloadTls: async () => certificate?.reload(),
    close: () => {
      closed ??= parts.disposeAsync();
      return closed;
    },
  };
}
