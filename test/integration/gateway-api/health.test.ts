// `sallyport gateway health`: the health check of containers, which have neither a shell nor curl.

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { command } from "../../../gateway/program/command.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { freePort } from "../../support/loopback.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";
import { Authority } from "../networks/certificates.ts";

async function health(http: string): Promise<{ code: number; said: string }> {
  const output = new PassThrough().setEncoding("utf8");
  const signal = new AbortController().signal;
  const context = {
    env: { SALLYPORT_HTTP: http },
    stdin: process.stdin,
    stdout: output,
    stderr: output,
    signal,
  };
  const code = await command.run(["health"], context);
  return { code, said: String(output.read() ?? "") };
}

async function answering(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a gateway that is ready is, with and without TLS, also at a wildcard address", async () => {
  const plain = await testGateway();
  const { port } = new URL(plain.gateway.httpUrl);
  expect(await health(`127.0.0.1:${port}`)).toEqual({ code: 0, said: "" });
  expect(await health(`0.0.0.0:${port}`)).toEqual({ code: 0, said: "" });
  const { cert, key } = new Authority(temporaryDirectory(), "Nobody here knows it").sign(["gateway.example"]);
  const secure = await testGateway({ tls: { certFile: cert, keyFile: key } });
  expect(await health(new URL(secure.gateway.httpUrl).host)).toEqual({ code: 0, said: "" });
});

test("one that stops, another server, and nothing at all are one line and status 1", async () => {
  const stopping = await answering((_request, response) => {
    const refusal = new ProtocolError("shutting_down", "The gateway is about to stop.");
    response.writeHead(refusal.status).end(JSON.stringify(refusal.toBody()));
  });
  expect(await health(stopping)).toEqual({
    code: 1,
    said: `sallyport: health: ${stopping} answers with 503: The gateway is about to stop.\n`,
  });
  const other = await answering((_request, response) => response.writeHead(404).end("<h1>Not here</h1>"));
  expect(await health(other)).toEqual({ code: 1, said: `sallyport: health: ${other} answers with 404\n` });
  const endless = await answering((_request, response) => {
    response.writeHead(200).write("x".repeat(100_000));
  });
  expect(await health(endless)).toMatchObject({
    code: 1,
    said: expect.stringContaining("the answer is too long"),
  });
  const nothing = `127.0.0.1:${await freePort()}`;
  expect(await health(nothing)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^sallyport: tcp: No gateway answers at .*ECONNREFUSED.*\n$/),
  });
});
