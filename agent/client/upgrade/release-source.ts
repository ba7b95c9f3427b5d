// Where the files of a release come from: a gateway, any other web server, or a directory. Nothing that a source says is believed:
// its manifest has to be signed, and a file has to have the digest that the manifest names.

import { createHash } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { join, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ProtocolError } from "../../../protocol/errors.ts";
import {
  MANIFEST_FILE,
  MAX_MANIFEST_SIZE,
  type ReleaseFile,
  type ReleaseManifest,
  SIGNATURE_FILE,
} from "../../../protocol/release/manifest.ts";
import { verifiedManifest } from "../../../protocol/release/signature.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../../platform/command-error.ts";
import { errorCode } from "../../platform/error-code.ts";
import type { Network } from "../../platform/network/network.ts";
import { type DownloadLimits, LIMITS, openAnswer, readWhole, tooLarge } from "./http-file.ts";
import { writing } from "./writing.ts";

export interface ReleaseSource {
  /** For messages: a URL or a path. */
  readonly name: string;
  /** Where its files are, for commands that people type: a URL or a path that ends in a slash. */
  readonly base: string;
  /** How long to wait before a download that was cut goes on; it doubles each time. */
  readonly retryMs: number;
  /** A small file, whole. @throws CommandError */
  read(name: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * The bytes of a file from `offset` on. They may end early: then the caller asks again.
   * @throws CommandError
   */
  open(file: ReleaseFile, offset: number, signal: AbortSignal): Promise<FileBytes>;
}

interface FileBytes {
  /** Where the bytes begin: the offset that was asked for, or 0. */
  readonly offset: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** 64 bytes in Base64 and a line break. */
const MAX_SIGNATURE_SIZE = 1024;
const READ_SIZE = 256 * 1024;
const MAX_ATTEMPTS = 6;

/** The gateway's downloads. They need no sign-in. */
export function gatewaySource(
  gateway: GatewayUrl,
  network: Network | undefined,
  limits: DownloadLimits = LIMITS,
): ReleaseSource {
  return { ...urlSource(new URL(`${gateway}/bin/`), network, limits), name: gateway };
}

/** @param base ends in a slash, and has neither user name nor password */
export function urlSource(
  base: URL,
  network: Network | undefined,
  limits: DownloadLimits = LIMITS,
): ReleaseSource {
  return {
    name: base.href,
    base: base.href,
    retryMs: limits.retryMs,
    read: (name, maxBytes, signal) => readWhole(new URL(name, base), maxBytes, { network, signal, limits }),
    open: (file, offset, signal) =>
      openAnswer(new URL(file.name, base), file, offset, { network, signal, limits }),
  };
}

export function directorySource(directory: string): ReleaseSource {
  return {
    name: directory,
    base: join(directory, sep),
    retryMs: 0,
    async read(name, maxBytes) {
      const parts: Uint8Array[] = [];
      for await (const part of bytesOf(join(directory, name), 0, maxBytes)) parts.push(part);
      return Buffer.concat(parts);
    },
    async open(file, offset) {
      return { offset, bytes: bytesOf(join(directory, file.name), offset, file.size) };
    },
  };
}

/**
 * The manifest, once its signature is verified.
 * @throws CommandError code `bad_signature`: a different key signed it, or none; `bad_manifest`; or it cannot be read
 */
export async function readRelease(
  source: ReleaseSource,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<ReleaseManifest> {
  if (keys.length === 0) {
    throw new CommandError(
      "config",
      "no_release_key",
      "This program was built without the key of a release, so it cannot tell a genuine release: install a released one.",
    );
  }
  const bytes = await source.read(MANIFEST_FILE, MAX_MANIFEST_SIZE, signal);
  const signature = await source.read(SIGNATURE_FILE, MAX_SIGNATURE_SIZE, signal);
  try {
    return verifiedManifest(bytes, new TextDecoder("latin1").decode(signature), keys);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const isSigned = error.code !== "bad_proof";
    const what = isSigned
      ? "a signed manifest that this version cannot read"
      : "something that no key which this program knows has signed";
    throw new CommandError(
      "file",
      isSigned ? "bad_manifest" : "bad_signature",
      `${source.name} offers ${what}: nothing was changed. Ask its administrator for a genuine release.`,
      { cause: error },
    );
  }
}

/**
 * Writes the file to `path`, which must not exist, and returns once its size and digest are as the manifest says. A download
 * that is cut goes on where it ended.
 * @param progress is called with the number of bytes that are there
 * @throws CommandError code `damaged`, `too_large`, ENOSPC …; the file may then be there, incomplete
 */
export async function fetchFile(
  source: ReleaseSource,
  file: ReleaseFile,
  path: string,
  signal: AbortSignal,
  progress: (bytes: number) => void = () => {},
): Promise<void> {
  const descriptor = writing(path, () => openSync(path, "wx", 0o600));
  try {
    let hash = createHash("sha256");
    let size = 0;
    for (let attempt = 1; size < file.size; attempt++) {
      if (attempt > MAX_ATTEMPTS) throw incomplete(source, file);
      if (attempt > 1) await delay(source.retryMs * 2 ** (attempt - 2), undefined, { signal });
      try {
        const { offset, bytes } = await source.open(file, size, signal);
        if (offset === 0 && size > 0) {
          ftruncateSync(descriptor, 0);
          hash = createHash("sha256");
          size = 0;
        }
        for await (const part of bytes) {
          if (size + part.length > file.size) throw tooLarge(source.name, file.name);
          const position = size;
          writing(path, () => {
            for (let at = 0; at < part.length; )
              at += writeSync(descriptor, part, at, part.length - at, position + at);
          });
          hash.update(part);
          size += part.length;
          progress(size);
        }
      } catch (error) {
        // A gateway that restarts refuses connections for a while; one that never sent anything is not waited for.
        const isCut = error instanceof CommandError && CUT.has(error.code) && size > 0;
        if (!isCut || attempt >= MAX_ATTEMPTS) throw error;
      }
    }
    if (hash.digest("hex") !== file.sha256) {
      throw new CommandError(
        "file",
        "damaged",
        `${file.name} from ${source.name} is not the file of the signed release (its SHA-256 differs): nothing was changed.`,
      );
    }
    writing(path, () => fsyncSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** With these codes a connection ended in the middle, or there is none for a while. */
const CUT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "UND_ERR_SOCKET",
  "UND_ERR_BODY_TIMEOUT",
  "busy",
  "stalled",
]);

function incomplete(source: ReleaseSource, { name }: ReleaseFile): CommandError {
  return new CommandError(
    "http",
    "incomplete",
    `${source.name} ends ${name} too early, again and again: try again later.`,
  );
}

async function* bytesOf(path: string, offset: number, maxBytes: number): AsyncGenerator<Uint8Array> {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (cause) {
    throw new CommandError(
      "file",
      errorCode(cause) ?? "EUNKNOWN",
      `Cannot read ${path}: name the directory of a release, which has manifest.json.`,
      { cause },
    );
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size > maxBytes) throw tooLarge(path, path);
    for (let at = offset; ; ) {
      const buffer = Buffer.allocUnsafe(READ_SIZE);
      const length = readSync(descriptor, buffer, 0, READ_SIZE, at);
      if (length === 0) return;
      at += length;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
