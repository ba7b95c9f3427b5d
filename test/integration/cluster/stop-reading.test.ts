// The private part of node that giving connections away depends on: what it has to do is that nothing is lost.

import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { stopReading } from "../../../gateway/cluster/stop-reading.ts";

test("what arrives while a connection is on its way to another process is read there, whole", async () => {
  const child = fork(fileURLToPath(new URL("reading-process.ts", import.meta.url)));
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await once(child, "message");
  const { given, client } = await connection();
  const other = await connection();
  await speak(client, given, "read before, ");

  // It does not confirm the connection, so it is here as well for as long as it sleeps.
  child.kill("SIGSTOP");
  expect(stopReading(given)).toBe(true);
  child.send("yours", given);
  client.write("and on its way");
  client.end();
  // Whatever this process reads, it has read by the time that it hears what was sent later.
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
