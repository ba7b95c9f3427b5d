// The HTTPS server of a gateway with `--acme`: before it has a certificate, with one, and while a TLS-ALPN-01
// challenge runs.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { challengeCertificate } from "../../../../gateway/certificate/acme/own-certificate.ts";
import { acmeDirectory, certificateFile } from "../../../../gateway/certificate/acme-options.ts";
import { ServerCertificate } from "../../../../gateway/certificate/server-certificate.ts";
import { StoredFiles } from "../../../../gateway/certificate/stored-files.ts";
import { parseGatewayOptions } from "../../../support/gateway-options.ts";

const NAME = "gateway.example";

async function gatewayServer() {
  const dataDir = mkdtempSync(join(tmpdir(), "sallyport-acme-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const args = ["--acme", "--public-url", `https://${NAME}`, "--data", dataDir];
  const { options } = parseGatewayOptions(args, {});
  if (options.acme === null) throw new Error("no --acme");
  const files = new StoredFiles(certificateFile(dataDir, options.acme));
  await files.prepare();
  const certificate = await ServerCertificate.load(options);
  if (certificate === null) throw new Error("no TLS");
  const server = certificate.createServer({});
  server.on("request", (_request, response) => response.end("hello"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const dial = async (options: ConnectionOptions): Promise<TLSSocket> => {
    const socket = connect({
      port,
      host: "127.0.0.1",
      servername: NAME,
      rejectUnauthorized: false,
      ...options,
    });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    return socket;
  };
  /** The names in the certificate that is shown. */
  const shown = async (options: ConnectionOptions): Promise<string | undefined> => {
    const socket = await dial(options);
    const { subjectaltname } = socket.getPeerCertificate();
    socket.destroy();
    return subjectaltname;
  };
  /** Any certificate serves; this one says by its name what it is. */
  const install = async (name: string): Promise<void> => {
    const path = certificateFile(dataDir, options.acme ?? { directory: "" });
    writeFileSync(path, challengeCertificate(name, "", new Date()), { mode: 0o600 });
    await certificate.reload();
  };
  return { certificate, files, dial, shown, install, directory: acmeDirectory(dataDir, options.acme) };
}

const challenge: ConnectionOptions = { ALPNProtocols: ["acme-tls/1"] };

test("without a certificate handshakes are refused, and the first one is served at once", async () => {
  const { certificate, shown, install } = await gatewayServer();
  expect(certificate.expiresAt).toBeUndefined();
  await expect(shown({})).rejects.toThrow(/handshake failure/i);
  await install("first.example");
  expect(await shown({})).toBe("DNS:first.example");
  expect(certificate.expiresAt).toBeGreaterThan(Date.now());
  await install("second.example");
  expect(await shown({})).toBe("DNS:second.example");
});

test("a running challenge is answered to acme-tls/1 only, and its connection is closed", async () => {
  const { files, dial, shown, install } = await gatewayServer();
  await install("served.example");
  const answer = await files.writeChallenge(NAME, challengeCertificate(NAME, "token.print", new Date()));
  expect(await shown(challenge)).toBe(`DNS:${NAME}`);
  expect(await shown({ ...challenge, servername: "Gateway.EXAMPLE" })).toBe(`DNS:${NAME}`);
  for (const usual of [{}, { ALPNProtocols: ["http/1.1"] }, { ALPNProtocols: ["h2", "http/1.1"] }]) {
    expect(await shown(usual)).toBe("DNS:served.example");
  }
  expect(await shown({ ALPNProtocols: ["acme-tls/1", "http/1.1"] })).toBe("DNS:served.example");
  const validator = await dial(challenge);
  expect(validator.alpnProtocol).toBe("acme-tls/1");
  validator.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  validator.resume();
  let bytes = 0;
  validator.on("data", (part) => {
    bytes += part.length;
  });
  await once(validator, "close");
  expect(bytes).toBe(0);
  await answer[Symbol.asyncDispose]();
  await expect(shown(challenge)).rejects.toThrow();
});

test("names that were not configured, no name, and TLS 1.2 get no answer", async () => {
  const { files, directory, shown, install } = await gatewayServer();
  await install("served.example");
  await files.writeChallenge(NAME, challengeCertificate(NAME, "token.print", new Date()));
  // Even if there were a file for it.
  writeFileSync(join(directory, "challenge-other.example.pem"), challengeCertificate("o", "", new Date()));
  await expect(shown({ ...challenge, servername: "other.example" })).rejects.toThrow();
  await expect(shown({ ...challenge, servername: "../other" })).rejects.toThrow();
  await expect(shown({ ...challenge, maxVersion: "TLSv1.2" })).rejects.toThrow(/no application protocol/i);
  // Without a name there is nothing to answer for; the served certificate proves nothing.
  expect(await shown({ ...challenge, servername: "" })).toBe("DNS:served.example");
  expect(await shown({ maxVersion: "TLSv1.2" })).toBe("DNS:served.example");
});

test("a protocol that is not served is refused as without --acme", async () => {
  const { shown, install } = await gatewayServer();
  await install("served.example");
  await expect(shown({ ALPNProtocols: ["h2"] })).rejects.toThrow(/no application protocol/i);
});
