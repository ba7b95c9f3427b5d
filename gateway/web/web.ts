// Serves the dashboard: the same HTML for the path of every page, and its files below /assets/. It knows nobody: what people
// see comes from the API.

import type { FastifyReply, FastifyRequest } from "fastify";
import { NOTHING_AT_PATH, ProtocolError } from "../../protocol/errors.ts";
import { PAGES } from "../../protocol/sign-in/pages.ts";
import { type GatewayUrl, PATHS } from "../../protocol/values/gateway-url.ts";
import type { Api } from "../http/context.ts";
import { loadWebFiles, type WebFile, type WebFiles } from "./files.ts";
import { FILE_HEADERS, PAGE_HEADERS } from "./headers.ts";
import { pageHtml } from "./page.ts";

const ASSETS = "/assets/";
const OF_BROWSERS = { exposeHeadRoute: true, schema: { hide: true } } as const;

export interface Dashboard {
  /** Answers a browser that opens a path that does not exist. False: it is not for a person. */
  notFound(request: FastifyRequest, reply: FastifyReply): Promise<boolean>;
}

/** @param publicUrl may change until the gateway listens */
export function serveDashboard(api: Api, publicUrl: () => GatewayUrl): Dashboard {
  let loaded: Promise<WebFiles | undefined> | undefined;
  const files = (): Promise<WebFiles | undefined> => {
    loaded ??= loadWebFiles();
    return loaded;
  };
  const sendPage = async (reply: FastifyReply, status: number): Promise<FastifyReply> => {
    const built = await files();
    return reply
      .code(built === undefined ? 503 : status)
      .headers(PAGE_HEADERS)
      .type("text/html; charset=utf-8")
      .send(pageHtml(publicUrl(), built));
  };

  for (const path of Object.values(PAGES)) {
    api.get(path, OF_BROWSERS, async (_request, reply) => sendPage(reply, 200));
  }
  api.get(`${ASSETS}:name`, OF_BROWSERS, async (request, reply) => {
    const file = (await files())?.assets.get(new URL(request.url, "http://own.invalid").pathname);
    if (file === undefined) throw new ProtocolError("not_found", NOTHING_AT_PATH);
    return sendFile(file, request, reply);
  });
  return {
    notFound: async (request, reply) => {
      if (!isNavigation(request)) return false;
      await sendPage(reply, 404);
      return true;
    },
  };
}

/** A file's name has its hash in it, so that it never changes. */
function sendFile(file: WebFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply
    .headers(FILE_HEADERS)
    .header("cache-control", "public, max-age=31536000, immutable")
    .header("vary", "accept-encoding")
    .header("etag", file.etag);
  if (request.headers["if-none-match"] === file.etag) return reply.code(304).send();
  const encoding = encodingFor(request.headers["accept-encoding"]);
  if (encoding !== undefined) reply.header("content-encoding", encoding);
  return reply
    .type(file.type)
    .send(encoding === "br" ? file.brotli : encoding === "gzip" ? file.gzip : file.plain);
}

function encodingFor(accepted: string | string[] | undefined): "br" | "gzip" | undefined {
  const taken = new Set(
    String(accepted ?? "")
      .toLowerCase()
      .split(",")
      .filter((one) => !/;\s*q=0(?:\.0*)?\s*$/.test(one))
      .map((one) => one.replace(/;.*/, "").trim()),
  );
  return taken.has("br") ? "br" : taken.has("gzip") ? "gzip" : undefined;
}

/** Whether a person opened the path in a browser. The API's paths are for programs, whatever asks for them. */
function isNavigation(request: FastifyRequest): boolean {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  if (/^\/(?:api|assets|\.well-known)(?:\/|$)/.test(request.url) || request.url.startsWith(PATHS.api))
    return false;
  const mode = request.headers["sec-fetch-mode"];
  if (mode !== undefined) return mode === "navigate";
  return String(request.headers.accept ?? "").includes("text/html");
}
