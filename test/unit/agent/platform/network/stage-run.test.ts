import { expect, test } from "vitest";
import { runStage } from "../../../../../agent/platform/network/stage-run.ts";

const tls = (error: Error) =>
  runStage("tls", 1_000, "the TLS handshake with gw", new AbortController().signal, (_done, fail) => {
    queueMicrotask(() => fail(error));
    return () => undefined;
  });

test("a server that refuses the handshake is told apart from one that does not speak TLS", async () => {
  // As Node 24 reports it: during the handshake, or while something is written.
  for (const code of ["ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE", "EPROTO"]) {
    const text = "0A000410:SSL routines:ssl3_read_bytes:ssl/tls alert handshake failure:SSL alert number 40";
    await expect(tls(Object.assign(new Error(text), { code }))).rejects.toThrow(
      /refuses the TLS handshake.*--acme/,
    );
  }
  const wrong = Object.assign(new Error("wrong version number"), { code: "ERR_SSL_WRONG_VERSION_NUMBER" });
  await expect(tls(wrong)).rejects.toThrow(/does not speak TLS there/);
});
