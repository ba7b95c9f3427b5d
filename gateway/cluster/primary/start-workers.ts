// Starts a gateway of several processes (`--workers N`): prepares the data directory, starts the primary and
// its workers, and serves the metrics of all of them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { formatAddress, type ListenAddress } from "../../address.ts";
import { startAutomaticCertificate } from "../../certificate/automatic-certificate.ts";
import { loadHostKeys } from "../../host-keys/host-keys.ts";
import { createGatewayLog } from "../../log.ts";
import { acmeFailureCounter, createMetricsServer } from "../../metrics.ts";
import { createFirstAdmin } from "../../program/first-admin.ts";
import type { GatewayOptions } from "../../program/options.ts";
import { closeServer, listen, trackConnections } from "../../server.ts";
import { lockDataDir, openDatabase, prepareDataDir } from "../../store/database/sqlite.ts";
import { Store } from "../../store/store.ts";
import { Primary } from "./primary.ts";
import { WorkerMetrics } from "./worker-metrics.ts";

/** What the command prints, and how it ends the gateway. */
interface RunningWorkers {
  readonly httpUrl: string;
  readonly metricsUrl: string | null;
  readonly ssh: ListenAddress | null;
  readonly adminToken?: string;
  reloadTls(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param writeLog gets each log line, complete with its line end; the workers write to this process's stderr
 *   themselves
 * @throws StartError; nothing is left running
 */
export async function startWorkers(
  options: GatewayOptions,
  writeLog: (line: string) => void,
): Promise<RunningWorkers> {
  const log = createGatewayLog(options.logLevel, writeLog);
  await using started = new AsyncDisposableStack();
  prepareDataDir(options.dataDir);
  const lock = lockDataDir(options.dataDir);
  started.defer(() => lock.release());
  await loadHostKeys(options.dataDir);
  // Migrates the database before any worker opens it.
  const store = await Store.open(openDatabase(options.dataDir), {
    log,
    onOwnChange: (change, durability) => primary.tell({ kind: "directory", change, durability }),
  });
  started.defer(() => store.close());

  const directory = mkdtempSync(join(tmpdir(), "sallyport-"));
  started.defer(() => rmSync(directory, { recursive: true, force: true }));
  const own = new Registry();
  const acmeFailures = acmeFailureCounter(own);
  const metrics = new WorkerMetrics(() => primary.ready(), own);
  const primary = new Primary(options, directory, {
    log,
    store,
    onMetrics: (message) => metrics.receive(message),
  });
  started.defer(() => primary.close());
  const { http, ssh } = await primary.start();

  let metricsUrl: string | null = null;
  if (options.metrics !== null) {
    const server = createMetricsServer(metrics);
    const readers = trackConnections(server);
    metricsUrl = `http://${formatAddress(await listen(server, options.metrics))}/metrics`;
    started.defer(() => closeServer(server, readers));
  }
  if (options.acme !== null) {
    started.use(
      await startAutomaticCertificate({
        acme: options.acme,
        dataDir: options.dataDir,
        log,
        audit: (event) => store.audit(event),
        failed: (code) => acmeFailures.inc({ code }),
        installed: async () => primary.reloadTls(),
      }),
    );
  }
  const adminToken = await createFirstAdmin(store, options.firstToken);
  log.info({ workers: options.workers }, "The gateway's workers are ready.");
  const parts = started.move();
  let closed: Promise<void> | undefined;
  return {
    httpUrl: http,
    ssh,
    metricsUrl,
    ...(adminToken === undefined ? {} : { adminToken }),
    reloadTls: async () => primary.reloadTls(),
    close: () => {
      closed ??= parts.disposeAsync();
      return closed;
    },
  };
}
