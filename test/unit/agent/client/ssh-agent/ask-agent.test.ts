import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { AGENT_TIMEOUT_MS, askAgent } from "../../../../../agent/client/ssh-agent/ask-agent.ts";

test("an answer that had arrived when this process came out of a pause is in time", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-agent-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "agent");
  const agent = createServer((socket) => {
    socket.once("data", () => {
      // SSH_AGENT_IDENTITIES_ANSWER, with none.
      socket.write(Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0]));
      vi.advanceTimersByTime(AGENT_TIMEOUT_MS);
    });
  });
  onTestFinished(() => void agent.close());
  await new Promise<void>((resolve) => agent.listen(path, resolve));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  expect(await askAgent(path)).toEqual({ kind: "identities", identities: [] });
});
