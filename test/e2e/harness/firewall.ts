// A restrictive network: blocks connections to the gateway's SSH port, only inside the enclosure's own network.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { GATEWAY_ADDRESS } from "../setup/enclosure.ts";

/** `refused`: answered with a reset; `dropped`: never answered; `silent`: accepted by something that says nothing, as some
 * firewalls that inspect the protocol do.
 */
export type Blocked = "refused" | "dropped" | "silent";

const SILENT_PORT = 2222;
const TABLE = "inet sallyport_e2e";

export class Firewall implements AsyncDisposable {
  #silent: Server | undefined;
  readonly #sockets = new Set<Socket>();

  async block(how: Blocked): Promise<void> {
    await this.open();
    const ssh = `ip daddr ${GATEWAY_ADDRESS} tcp dport 22`;
    if (how === "silent") {
      this.#silent = createServer((socket) => {
        this.#sockets.add(socket);
        socket.on("error", () => undefined); // The other end gave up.
      });
      await once(this.#silent.listen(SILENT_PORT, "127.0.0.1"), "listening");
      nft(
        `add table ${TABLE}`,
        `add chain ${TABLE} out { type nat hook output priority -100; }`,
        // A local connection is redirected to 127.0.0.1.
        `add rule ${TABLE} out ${ssh} redirect to :${SILENT_PORT}`,
      );
      return;
    }
    const verdict = how === "refused" ? "reject with tcp reset" : "drop";
    nft(
      `add table ${TABLE}`,
      `add chain ${TABLE} in { type filter hook input priority 0; }`,
      `add rule ${TABLE} in ${ssh} ${verdict}`,
    );
  }

  async open(): Promise<void> {
    nft(`add table ${TABLE}`, `delete table ${TABLE}`);
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    this.#silent?.close();
    this.#silent = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.open();
  }
}

function nft(...lines: string[]): void {
  const done = spawnSync("nft", ["-f", "-"], {
    input: lines.join("\n"),
    encoding: "utf8",
    env: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" },
  });
  if (done.status !== 0) throw new Error(`nft: ${done.stderr}`);
}
