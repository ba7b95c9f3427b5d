// Reads a release's file over HTTP: bounded in size and in time, from where an earlier attempt ended, and from nowhere else than
// the server that was asked.

import type { ReleaseFile } from "../../../protocol/release/manifest.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { VERSION } from "../../../protocol/version.ts";
import { CommandError } from "../../platform/command-error.ts";
import { foreignAnswer } from "../../platform/network/foreign-answer.ts";
import type { HttpAnswer } from "../../platform/network/http-request.ts";
import type { Network } from "../../platform/network/network.ts";
import { networkFailure } from "../../platform/network/network-failure.ts";
import { send } from "../http-send.ts";

export interface DownloadLimits {
  /** Without a byte for so long, a download has stalled. */
  readonly stallMs: number;
  /** For the answer to one request, from its beginning to its end. */
  readonly answerMs: number;
  /** Before the second attempt; it doubles each time. */
  readonly retryMs: number;
}

/** 42 MB in half an hour are 23 KB/s. */
export const LIMITS: DownloadLimits = { stallMs: 30_000, answerMs: 30 * 60_000, retryMs: 500 };

export interface DownloadOptions {
  /** undefined: the process's own `fetch`, as in an editor. */
  readonly network: Network | undefined;
  readonly signal: AbortSignal;
  readonly limits: DownloadLimits;
}

const MAX_REDIRECTS = 3;

/** @throws CommandError */
export async function readWhole(url: URL, maxBytes: number, options: DownloadOptions): Promise<Uint8Array> {
  const { answer, bytes } = await get(url, {}, options);
  if (answer.status !== 200) throw refused(url, answer);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of bytes) {
    size += part.length;
    if (size > maxBytes) throw tooLarge(url.origin, url.pathname);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** @throws CommandError */
export async function openAnswer(
  url: URL,
  file: ReleaseFile,
  offset: number,
  options: DownloadOptions,
): Promise<{ offset: number; bytes: AsyncIterable<Uint8Array> }> {
  // The server's ETag is the digest (gateway/http/downloads): a file that has changed comes whole.
  const range = { range: `bytes=${offset}-`, "if-range": `"${file.sha256}"` };
  const { answer, bytes } = await get(url, offset === 0 ? {} : range, options);
  if (answer.status === 200) return { offset: 0, bytes };
  const begin = /^bytes (\d{1,15})-/.exec(answer.header("content-range") ?? "")?.[1];
  if (answer.status === 206 && begin !== undefined && Number(begin) === offset) return { offset, bytes };
  throw refused(url, answer);
}

export function tooLarge(source: string, what: string): CommandError {
  return new CommandError(
    "http",
    "too_large",
    `${source} sends more than belongs to ${what}: nothing was changed.`,
  );
}

async function get(
  url: URL,
  headers: Record<string, string>,
  options: DownloadOptions,
): Promise<{ answer: HttpAnswer; bytes: AsyncIterable<Uint8Array> }> {
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const deadline = new Deadline(options, url);
    let answer: HttpAnswer;
    try {
      answer = await send(request(at, headers, deadline.signal), options.network);
    } catch (error) {
      deadline.clear();
      throw deadline.failure(error);
    }
    const location = answer.header("location");
    if (answer.status < 300 || answer.status >= 400 || location === undefined) {
      const foreign = foreignTo(at, answer);
      if (foreign === undefined) return { answer, bytes: deadline.watch(answer.body) };
      deadline.end();
      throw foreign;
    }
    deadline.end();
    const target = URL.canParse(location, at.href) ? new URL(location, at) : undefined;
    if (target?.origin !== url.origin || redirects >= MAX_REDIRECTS)
      throw redirected(url, at, location, answer);
    at = target;
  }
}

function request(url: URL, headers: Record<string, string>, signal: AbortSignal) {
  const common = { "user-agent": `sallyport/${VERSION}`, "accept-encoding": "identity", accept: "*/*" };
  return { url, method: "GET", headers: { ...common, ...headers }, body: undefined, signal };
}

function redirected(url: URL, at: URL, location: string, answer: HttpAnswer): CommandError {
  const message = `${url.origin} redirects to ${printable(location, 200)}: releases are not taken from elsewhere.`;
  return foreignTo(at, answer) ?? new CommandError("http", "redirected", message);
}

/** Whether something in the network answered instead of the server. */
function foreignTo(url: URL, { status, header }: HttpAnswer): CommandError | undefined {
  return foreignAnswer({ status, location: header("location"), contentType: header("content-type") }, url);
}

function refused(url: URL, { status }: HttpAnswer): CommandError {
  if (status === 404) {
    const name = url.pathname.split("/").at(-1) ?? "";
    const message = `${url.origin} has no ${printable(name, 100)}: its administrator serves releases with \`sallyport gateway --downloads\`.`;
    return new CommandError("http", "no_release", message);
  }
  if (status === 429 || status === 503) {
    return new CommandError(
      "http",
      "busy",
      `${url.origin} is busy (HTTP status ${status}): try again later.`,
    );
  }
  const message = `${url.origin} answered with HTTP status ${status}: is it a Sallyport gateway?`;
  return new CommandError("http", "not_a_gateway", message);
}

/** Ends a request that has been told to end, stalls, or takes too long. */
class Deadline {
  readonly #options: DownloadOptions;
  readonly #url: URL;
  readonly #controller = new AbortController();
  readonly #whole: NodeJS.Timeout;
  readonly #abort = (): void => this.#controller.abort(this.#options.signal.reason);
  #stall: NodeJS.Timeout;

  constructor(options: DownloadOptions, url: URL) {
    this.#options = options;
    this.#url = url;
    const { signal, limits } = options;
    if (signal.aborted) this.#abort();
    signal.addEventListener("abort", this.#abort, { once: true });
    this.#whole = setTimeout(() => this.#stop("too_slow"), limits.answerMs);
    this.#stall = this.#startStall();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async *watch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const part of body) {
        clearTimeout(this.#stall);
        this.#stall = this.#startStall();
        yield part;
      }
    } catch (error) {
      throw this.failure(error);
    } finally {
      this.end();
    }
  }

  /** The request is over, or not wanted any longer. */
  end(): void {
    this.clear();
    this.#controller.abort();
  }

  clear(): void {
    clearTimeout(this.#whole);
    clearTimeout(this.#stall);
    this.#options.signal.removeEventListener("abort", this.#abort);
  }

  failure(error: unknown): unknown {
    if (this.#options.signal.aborted || error instanceof CommandError) return error;
    const { reason } = this.#controller.signal;
    return reason instanceof CommandError ? reason : networkFailure(error, this.#url.origin);
  }

  #startStall(): NodeJS.Timeout {
    return setTimeout(() => this.#stop("stalled"), this.#options.limits.stallMs);
  }

  #stop(code: "stalled" | "too_slow"): void {
    const message = `${this.#url.origin} sends too slowly: try again later.`;
    this.#controller.abort(new CommandError("http", code, message));
  }
}
