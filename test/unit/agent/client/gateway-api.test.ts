// What a person is told by a gateway that is older than their client.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { gatewayApi } from "../../../../agent/client/gateway-api.ts";
import { nameKey } from "../../../../agent/client/keys/register-key.ts";
import type { AddedKey, Discovery } from "../../../../protocol/api.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { newWorkspaceId } from "../../../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";

let server: Server;
let gateway: GatewayUrl;
beforeEach(async () => {
  server = createServer((request, response) => {
    const isKnown = request.method === "GET" && request.url === "/api/v1/workspaces/dev/shares";
    const body = isKnown
      ? [{ account: "bob", createdAt: "2030-01-01T00:00:00.000Z" }]
      : { code: "not_found", message: "There is nothing at this path." };
    response.writeHead(isKnown ? 200 : 404, { "content-type": "application/json; charset=utf-8" });
    response.end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  gateway = parseGatewayUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test("an old gateway, whose shares need no acceptance, still lists the accounts that a workspace is shared with", async () => {
  const shares = await gatewayApi(gateway).shares(parseWorkspaceRef("dev"));
  expect(shares).toEqual([{ account: "bob", createdAt: "2030-01-01T00:00:00.000Z" }]);
});

test("an old gateway that does not know a route yet is reported as too old", async () => {
  const api = gatewayApi(gateway);
  for (const call of [api.sharedWithMe(), api.acceptShare(newWorkspaceId())]) {
    await expect(call).rejects.toMatchObject({
      code: "not_supported",
      message: `${gateway} runs an older version of Sallyport that cannot do this yet: ask its administrator to update it.`,
    });
  }
});

test.each([["key-proofs"], []])(
  "a key is named by its comment without what no title may have (%s)",
  async (...capabilities) => {
    const titles: (string | undefined)[] = [];
    const add = async (_line: string, title: string | undefined) => {
      titles.push(title);
      return {} as AddedKey;
    };
    const api = {
      discovery: async () => ({ capabilities }) as unknown as Discovery,
      me: () => Promise.reject(new Error("not asked")),
      proveKey: () => Promise.reject(new Error("not asked")),
      addKey: add,
      addKeyUnproved: add,
    };
    const blob = Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0 ", "latin1"), Buffer.alloc(32, 1)]);
    const key = parsePublicKey(`ssh-ed25519 ${blob.toString("base64")}`);
    await nameKey(api, { key, file: undefined, title: "Ada's \u{1F469}\u200D\u{1F4BB}" });
    expect(titles).toEqual(["Ada's \u{1F469}\uFFFD\u{1F4BB}"]);
  },
);
