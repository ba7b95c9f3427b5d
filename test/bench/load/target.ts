// The far end of every forward: a TCP server that takes, gives or echoes as many bytes as it is told. The
// commands follow one another on a connection, so that a measurement can begin on one that is open and warm.
// Runs in the caller's process by startTarget(), or as a process of its own: `node target.ts` prints its port.

import { randomFillSync } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

/** A command is its letter and a count of bytes, u64 big-endian. */
export const COMMAND_BYTES = 9;
export const COMMAND = { take: 0x54, give: 0x47, echo: 0x45 } as const;
/** The answer to `take` once everything is there. */
export const TAKEN = Buffer.from([0x54]);

export interface Target {
  readonly port: number;
  /** Bytes that arrived for `take` so far, over all connections. */
  taken(): number;
  stop(): Promise<void>;
}

export async function startTarget(host = "127.0.0.1"): Promise<Target> {
  const open = new Set<Socket>();
  let taken = 0;
  const server: Server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => undefined); // The other side may leave in the middle: an endless echo ends so.
    socket.once("close", () => open.delete(socket));
    serve(socket, (count) => {
      taken += count;
    });
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host, backlog: 4096 }, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    taken: () => taken,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

const block = randomFillSync(Buffer.alloc(64 * 1024));

function serve(socket: Socket, onTaken: (count: number) => void): void {
  let header: Buffer = Buffer.alloc(0);
  let command = 0;
  let left = 0;
  const give = (): void => {
    while (left > 0 && !socket.destroyed) {
      const part = left >= block.length ? block : block.subarray(0, left);
      left -= part.length;
      if (!socket.write(part) && left > 0) {
        socket.once("drain", give);
        return;
      }
    }
  };
  socket.on("data", (data: Buffer) => {
    let rest = data;
    while (rest.length > 0) {
      if (left === 0) {
        const wanted = COMMAND_BYTES - header.length;
        header = Buffer.concat([header, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (header.length < COMMAND_BYTES) return;
        command = header[0] ?? 0;
        left = Number(header.readBigUInt64BE(1));
        header = Buffer.alloc(0);
        if (command === COMMAND.give) give();
        continue;
      }
      const part = rest.length <= left ? rest : rest.subarray(0, left);
      rest = rest.subarray(part.length);
      left -= part.length;
      if (command === COMMAND.echo) socket.write(part);
      else onTaken(part.length);
      if (left === 0 && command === COMMAND.take) socket.write(TAKEN);
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = await startTarget();
  process.stdout.write(`${JSON.stringify({ port: target.port })}\n`);
  process.once("SIGTERM", () => process.exit(0));
  // The program that started this holds its stdin. When that program ends, so does this one.
  process.stdin.resume().once("end", () => process.exit(0));
}
