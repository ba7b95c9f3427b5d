// A gateway with people, keys, workspaces and shares in it, for requests that nobody can foresee. What they take away, such as
// the tokens that they are made with, is put back.

import { Agent, type IncomingMessage, request } from "node:http";
import { onTestFinished } from "vitest";
import { SCOPES } from "../../../protocol/api.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseAccountId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { provedKey } from "../../support/ssh/register-key.ts";
import { testGateway } from "../../support/test-gateway.ts";
import { ed25519 } from "../../unit/gateway/store/memory-store.ts";
import type { FuzzRequest, Who } from "./requests.ts";

export interface FuzzAnswer {
  readonly status: number;
  readonly type: string;
  /** Of a stream that does not end, nothing. */
  readonly text: string;
}

export async function fuzzWorld() {
  const gateway = await testGateway({
    // Nothing listens there.
    keySources: [{ source: "github", url: "http://127.0.0.1:1" }],
    // A name, since passkeys need one.
    publicUrl: parseGatewayUrl("http://localhost:8022"),
    logLevel: "info",
  });
  const { store } = gateway.gateway;
  const base = new URL(gateway.gateway.httpUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  onTestFinished(() => agent.destroy());
  await gateway.account("ana");
  const bo = await gateway.account("bo");
  const tokens = new Map<"admin" | "ana" | "bo", string>();
  const cookies = new Map<"admin" | "ana" | "bo", string>();
  const revive = async (name: "admin" | "ana" | "bo"): Promise<void> => {
    const accountName = parseName(name);
    const row =
      (await store.accounts.byName(accountName)) ??
      (await store.accounts.create(accountName, name === "admin", null));
    const actor = { account: "test" };
    const accountId = parseAccountId(row.id);
    await store.accounts.setDisabled(accountId, false, actor);
    if (name === "admin") await store.accounts.setAdmin(accountId, true, actor);
    const scopes = SCOPES.filter((scope) => name === "admin" || scope !== "admin");
    for (const { id: old } of await store.tokens.list(accountId)) {
      await store.tokens.revoke(accountId, old as never, actor).catch(() => undefined);
    }
    const { token } = await store.tokens.create(
      { accountId, title: "fuzz", scopes, expiresInSeconds: null },
      actor,
    );
    tokens.set(name, token);
    const { secret } = await store.signIns.createBrowser(
      { accountId, client: "dashboard", device: "fuzz", method: "link", scopes, address: "127.0.0.1" },
      actor,
    );
    cookies.set(name, `__Host-sp_session=${secret}`);
  };

  /** Puts back what is missing, and returns the ids and names that there are. */
  const furnish = async (): Promise<string[]> => {
    await revive("admin");
    await revive("ana");
    await revive("bo");
    const theirToken = tokens.get("bo") ?? "";
    const ana = tokens.get("ana") ?? "";
    const identity = await store.authenticate(ana);
    const own = await store.workspaces.list(identity.account.id);
    if (!own.some(({ name }) => name === "demo")) await gateway.workspace(ana, "demo");
    await gateway.call("POST", "/workspaces/demo/unfreeze", ana);
    await gateway.call("POST", "/workspaces/demo/shares", ana, { account: "bo" });
    await gateway.call("POST", "/workspaces/demo/owner-tokens", ana, {});
    await gateway.call("POST", "/keys", ana, { publicKey: ed25519(1) });
    if ((await store.keys.list(identity.account.id)).length === 0) {
      await provedKey(store, identity.account.id, parsePublicKey(ed25519(2)));
    }
    // Something that is offered to ana, and a link that signs somebody in.
    const theirs = await store.workspaces.list(parseAccountId(bo.id));
    if (theirs.length === 0) await gateway.workspace(theirToken, "theirs");
    await gateway.call("POST", "/workspaces/theirs/shares", theirToken, { account: "ana" });
    const invited = await gateway.call("POST", "/invitations", tokens.get("admin"), { kind: "account" });
    const code = String(invited.body.link ?? "").split("#")[1] ?? "";
    const texts = await Promise.all(
      [
        "/workspaces",
        "/shares",
        "/keys",
        "/keys/pending",
        "/tokens",
        "/sign-ins",
        "/workspaces/demo/owner-tokens",
      ]
        .map((path) => gateway.call("GET", path, ana))
        .concat(
          ["/people?limit=20", "/invitations"].map((path) => gateway.call("GET", path, tokens.get("admin"))),
        ),
    );
    const ids = JSON.stringify(texts.map(({ body }) => body)).match(/\b[a-z]{2,3}_[a-z2-7]{26}\b/g) ?? [];
    return [
      ...new Set([...ids, ...["demo", "demo.ana", "ana", "bo", "admin", bo.id, ed25519(1), ana, code]]),
    ];
  };

  const credential = (who: Who): Record<string, string> => {
    switch (who) {
      case "admin token":
        return { authorization: `Bearer ${tokens.get("admin")}` };
      case "token":
        return { authorization: `Bearer ${tokens.get("ana")}` };
      case "admin browser":
        return { cookie: cookies.get("admin") ?? "", "sec-fetch-site": "same-origin" };
      case "browser":
        return { cookie: cookies.get("ana") ?? "", "sec-fetch-site": "same-origin" };
      case "nonsense":
        return { authorization: "Bearer spt_nonsense" };
      case "nobody":
        // A page of the gateway before anybody signs in.
        return { "sec-fetch-site": "same-origin" };
    }
  };

  const send = (wanted: FuzzRequest): Promise<FuzzAnswer> =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          agent,
          host: base.hostname,
          port: base.port,
          method: wanted.method,
          path: wanted.path,
          headers: {
            ...credential(wanted.who),
            ...wanted.headers,
            ...(wanted.body === undefined ? {} : { "content-length": Buffer.byteLength(wanted.body) }),
          },
          timeout: 20_000,
        },
        (response) => resolve(answerOf(response)),
      );
      sent.on("timeout", () => sent.destroy(new Error("no answer within 20 s")));
      sent.on("error", reject);
      sent.end(wanted.body);
    });

  return { gateway, furnish, send, revive };
}

async function answerOf(response: IncomingMessage): Promise<FuzzAnswer> {
  const type = response.headers["content-type"] ?? "";
  const status = response.statusCode ?? 0;
  if (type.startsWith("text/event-stream")) {
    response.destroy();
    return { status, type, text: "" };
  }
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status, type, text: Buffer.concat(chunks).toString() };
}
