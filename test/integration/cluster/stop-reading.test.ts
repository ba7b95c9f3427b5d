// The private part of Node that giving connections away depends on: no byte may be lost.

import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { stopReading } from "../../../gateway/cluster/stop-reading.ts";

test("bytes that arrive while a connection is given to another process are all read there", async () => {
  const child = fork(fileURLToPath(new URL("reading-process.ts", import.meta.url)));
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await once(child, "message");
  const { given, client } = await connection();
  const other = await connection();
  await speak(client, given, "read before, ");

  // While it is stopped it does not confirm the connection, so this process has it as well.
  child.kill("SIGSTOP");
  expect(stopReading(given)).toBe(true);
  child.send("yours", given);
  client.write("and on its way");
  client.end();
  // Once this process has read what was sent later, it would have read the bytes before too.
  for (let i = 0; i < 3; i++) await speak(other.client, other.given, "later");
  child.kill("SIGCONT");
  expect((await once(child, "message"))[0]).toBe("and on its way");
});

async function connection(): Promise<{ given: Socket; client: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  const client = connect(address.port, "127.0.0.1");
  const [given] = (await once(server, "connection")) as [Socket];
  onTestFinished(() => {
    client.destroy();
    given.destroy();
    server.close();
  });
  return { given, client };
}

async function speak(from: Socket, to: Socket, text: string): Promise<void> {
  const heard = once(to, "data");
  from.write(text);
  expect(String((await heard)[0])).toBe(text);
}
