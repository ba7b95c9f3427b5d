// What `--downloads DIR` needs while the gateway runs: the release, and who is downloading.

import type { Logger } from "pino";
import { ReleaseDirectory } from "./release-directory.ts";
import { DOWNLOAD_LIMITS, type DownloadLimits, FileSender } from "./send-file.ts";

export interface Downloads {
  readonly releases: ReleaseDirectory;
  readonly sender: FileSender;
  close(): void;
}

/**
 * @param directory null: nothing is offered
 * @param isFirst whether this is the process that checks the whole release in advance
 */
export function openDownloads({
  directory,
  log,
  processes,
  isFirst,
  limits = DOWNLOAD_LIMITS,
}: {
  directory: string | null;
  log: Logger;
  processes: number;
  isFirst: boolean;
  limits?: DownloadLimits;
}): Downloads | undefined {
  if (directory === null) return undefined;
  const releases = new ReleaseDirectory({ directory, log, inAdvance: isFirst });
  return { releases, sender: new FileSender(limits, processes), close: () => releases.close() };
}
