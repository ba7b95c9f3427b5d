// An SSH server behind a host's link that answers a command with its own text, its standard input and status 7, for tests of
// what the client's side does.

import type { Duplex } from "node:stream";
import ssh2, { type AuthContext } from "ssh2";
import { injectStream } from "../../../protocol/ssh/ssh2/server-connection.ts";

/** @param lets whether a sign-in is accepted; what is refused is asked for a key */
export function echoingSshServer(
  hostPrivateKey: string,
  lets: (context: AuthContext) => boolean = () => true,
): (stream: Duplex) => void {
  const server = new ssh2.Server({ hostKeys: [hostPrivateKey] }, (client) => {
    client.on("error", () => {}); // The client may leave as it likes.
    client.on("authentication", (context) =>
      lets(context) ? context.accept() : context.reject(["publickey"]),
    );
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        let input = "";
        channel.on("data", (part: Buffer) => {
          input += part.toString();
        });
        channel.on("end", () => {
          channel.write(`<${command}>${input}`);
          channel.exit(7);
          channel.end();
        });
      });
    });
  });
  return (stream) => injectStream(server, stream);
}
