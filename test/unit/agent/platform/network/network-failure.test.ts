import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { networkFailure } from "../../../../../agent/platform/network/network-failure.ts";

function coded(code: string): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error("inner"), { code }) });
}

describe("a failure below HTTP", () => {
  test.each([
    ["ENOTFOUND", "dns"],
    ["EAI_AGAIN", "dns"],
    ["ECONNREFUSED", "tcp"],
    ["EHOSTUNREACH", "tcp"],
    ["UND_ERR_CONNECT_TIMEOUT", "tcp"],
    ["ECONNRESET", "tcp"],
    ["CERT_HAS_EXPIRED", "tls"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls"],
    ["EWHATEVER", "http"],
  ])("%s is of the stage %s", (code, stage) => {
    const failure = networkFailure(coded(code), "https://gw.example");
    expect(failure.stage).toBe(stage);
    expect(failure.code).toBe(code);
    expect(failure.message).toContain("https://gw.example");
  });

  test("a real refused connection is told as one", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    await new Promise((resolve) => server.close(resolve));
    const error = await fetch(`http://localhost:${port}`).catch((reason: unknown) => reason);
    expect(networkFailure(error, "gw")).toMatchObject({ stage: "tcp", code: "ECONNREFUSED" });
  });

  test("a deadline that passed is told as no answer in time", async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const error = await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(50) }).catch(
      (reason: unknown) => reason,
    );
    server.close();
    expect(networkFailure(error, "gw")).toMatchObject({ stage: "tcp", code: "TIMEOUT" });
  });
});
