// Routes of `--downloads`, without a token: the installers, the release's manifest, and every file that it names. What they
// offer is the same for everyone; clients check its digests and its signature.

import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { ErrorBody } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import {
  FILE_NAME_PATTERN,
  MANIFEST_FILE,
  type ReleaseManifest,
  SIGNATURE_FILE,
} from "../../../protocol/release/manifest.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { Api, ApiContext } from "../context.ts";
import { partFor } from "../downloads/conditional.ts";
import { powerShellInstaller } from "../downloads/install-ps1.ts";
import { shellInstaller } from "../downloads/install-sh.ts";
import type { Release } from "../downloads/release-directory.ts";
import { REVALIDATED } from "../downloads/send-file.ts";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

const BYTES = "application/octet-stream";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

const HOW =
  "This gateway offers no programs to download: its operator starts it with --downloads DIR (docs/operating.md).";

export function downloadRoutes(api: Api, { downloads, discovery }: ApiContext): void {
  const current = async (): Promise<Release> => {
    if (downloads === undefined) throw new ProtocolError("not_found", HOW);
    const release = await downloads.releases.current();
    if (release !== undefined) return release;
    throw new ProtocolError("not_found", "There is no release in the gateway's directory for downloads.");
  };

  const serve = (url: string, schema: object, handler: Handler): void => {
    api.get(url, { schema }, handler);
    api.head(url, { schema: { ...schema, hide: true } }, handler);
  };
  const serveFile = async (
    nameOf: (manifest: ReleaseManifest) => string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const name = nameOf((await current()).manifest);
    if (downloads === undefined) throw new ProtocolError("not_found", HOW);
    return await downloads.sender.send(() => downloads.releases.open(name), typeOf(name), request, reply);
  };

  for (const [path, what, make] of [
    ["/install.sh", "the installer for Linux and macOS, as a POSIX shell script", shellInstaller],
    ["/install.ps1", "the installer for Windows, as a PowerShell script", powerShellInstaller],
  ] as const) {
    const schema = open(idOf(path), `Get ${what}.`, "text/plain");
    serve(path, schema, async (request, reply) => {
      const { manifest } = await current();
      const script = Buffer.from(make(publicUrlOf(discovery().publicUrl), manifest));
      return await sendBytes(script, TEXT, request, reply);
    });
  }

  for (const [path, what, pick, type] of [
    [MANIFEST_FILE, "the release's manifest", (release: Release) => release.manifestBytes, JSON_TYPE],
    [SIGNATURE_FILE, "the manifest's Ed25519 signature", (release: Release) => release.signature, TEXT],
  ] as const) {
    const schema = open(idOf(path), `Get ${what}.`, type);
    serve(`/bin/${path}`, schema, async (request, reply) => {
      const bytes = pick(await current());
      if (bytes === undefined) throw new ProtocolError("not_found", "The gateway's release is not signed.");
      return await sendBytes(bytes, type, request, reply);
    });
  }

  const params = Type.Object({ name: Type.String({ pattern: FILE_NAME_PATTERN }) });
  serve(
    "/bin/:name",
    { ...open("getFile", "Get a file that the manifest names. Its ETag is its SHA-256.", BYTES), params },
    async (request, reply) =>
      await serveFile(() => (request.params as { name: string }).name, request, reply),
  );

  serve(
    "/sallyport.vsix",
    open("getExtension", "Get the extension for VS Code.", BYTES),
    async (request, reply) => await serveFile(extensionOf, request, reply),
  );
}

function extensionOf({ files }: ReleaseManifest): string {
  const extension = files.find(({ name }) => name.endsWith(".vsix"));
  if (extension !== undefined) return extension.name;
  throw new ProtocolError("not_found", "The gateway's release has no extension for VS Code.");
}

/** For what is small and in memory. */
async function sendBytes(
  bytes: Buffer,
  type: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const etag = `"${createHash("sha256").update(bytes).digest("hex")}"`;
  reply.type(type).header("etag", etag).header("cache-control", REVALIDATED);
  const { "if-none-match": known } = request.headers;
  if (partFor({ "if-none-match": known }, etag, bytes.length).status === 304) {
    return await reply.code(304).send();
  }
  reply.header("content-length", String(bytes.length));
  return await reply.send(request.method === "HEAD" ? undefined : bytes);
}

/** It ends up in scripts, so it has to be one that its validator made; never what a request calls this gateway. */
function publicUrlOf(text: string): GatewayUrl {
  return parseGatewayUrl(text);
}

function idOf(file: string): string {
  return `get_${file.replace(/\W+/g, "_").replace(/^_/, "")}`;
}

function typeOf(name: string): string {
  if (name.endsWith("gz")) return "application/gzip";
  if (name.endsWith(".xz")) return "application/x-xz";
  return BYTES;
}

function open(operationId: string, summary: string, type: string) {
  const content = { [type]: { schema: Type.String() } };
  return {
    tags: ["downloads"],
    operationId,
    summary,
    response: { 200: { description: "Its bytes.", content }, "4xx": ErrorBody, "5xx": ErrorBody },
  };
}
