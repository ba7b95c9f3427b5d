// A SOCKS5 client (RFC 1928) that does one HTTP GET: curl is not on every machine, and `ssh -D` is to be tried with
// what browsers speak: CONNECT by host name, without authentication.

import { get } from "node:http";
import { connect, type Socket } from "node:net";

/** Returns the body of `http://host:port/path`, fetched through the SOCKS server on 127.0.0.1:`socksPort`. */
export async function getThroughSocks(socksPort: number, url: URL, signal: AbortSignal): Promise<string> {
  const socket = connect(socksPort, "127.0.0.1");
  const abort = () => socket.destroy(new Error("interrupted"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    await openConnection(socket, url.hostname, Number(url.port || 80));
    return await httpGet(socket, url);
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}

async function openConnection(socket: Socket, host: string, port: number): Promise<void> {
  socket.write(Uint8Array.of(5, 1, 0));
  const [version, method] = await readExactly(socket, 2);
  if (version !== 5 || method !== 0) throw new Error(`the SOCKS server wants method ${method}`);
  const name = Buffer.from(host);
  socket.write(
    Buffer.concat([Uint8Array.of(5, 1, 0, 3, name.length), name, Uint8Array.of(port >> 8, port & 255)]),
  );
  const reply = await readExactly(socket, 4);
  if (reply[1] !== 0) throw new Error(`the SOCKS server refused with code ${reply[1]}`);
  const addressBytes = reply[3] === 1 ? 4 : reply[3] === 4 ? 16 : (await readExactly(socket, 1)).readUInt8();
  await readExactly(socket, addressBytes + 2);
}

async function readExactly(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes: unknown = socket.read(count);
    if (bytes instanceof Buffer && bytes.length === count) return bytes;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        socket.off("readable", readable).off("error", settle).off("end", ended);
        if (error === undefined) resolve();
        else reject(error);
      };
      const readable = () => settle();
      const ended = () => settle(new Error("the SOCKS server closed the connection"));
      socket.once("readable", readable).once("error", settle).once("end", ended);
    });
  }
}

function httpGet(socket: Socket, url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { createConnection: () => socket }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve(body)).on("error", reject);
    });
    request.on("error", reject);
  });
}
