// A host may name only keys that it holds.

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { type HostIdentity, type HostKey, loadIdentity } from "../../../agent/host/identity.ts";
import { dialWebSocket } from "../../../agent/platform/network/dial-web-socket.ts";
import {
  type ChallengeMessage,
  hostKeyPayload,
  parseGatewayMessage,
  registrationPayload,
} from "../../../protocol/control.ts";
import { encode } from "../../../protocol/ssh/wire.ts";
import { PATHS, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { formatPublicKey, parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { prepareHostState } from "../../support/host-state.ts";
import { TestStack } from "../../support/link.ts";

let stack: TestStack;
let token: string;
let own: HostIdentity;
let others: HostIdentity;
const sockets: WebSocket[] = [];
beforeEach(async () => {
  stack = await TestStack.start();
  token = (await stack.token(await stack.account("ann"), ["host", "connect"])).token;
  own = await identity("own");
  others = await identity("other");
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await stack.close();
});

async function identity(name: string): Promise<HostIdentity> {
  await prepareHostState(join(stack.directory, name));
  return loadIdentity(join(stack.directory, name));
}

const line = ({ publicKey }: Pick<HostKey, "publicKey">) => formatPublicKey({ ...publicKey, comment: "" });

/** Registers like a host that names these keys with these proofs; returns what the gateway answers. */
async function register(
  further: readonly Pick<HostKey, "publicKey">[],
  proofs: (payload: Buffer, challenge: ChallengeMessage) => readonly Buffer[] | undefined,
  as: {
    readonly identity?: Pick<HostIdentity, "publicKey" | "sign">;
    readonly token?: string;
    readonly name?: string;
  } = {},
) {
  const first = as.identity ?? own;
  const socket = await dialWebSocket({
    gateway: stack.url,
    path: PATHS.link,
    subprotocols: [SUBPROTOCOL.control],
    token: as.token ?? token,
    signal: AbortSignal.timeout(20_000),
  });
  sockets.push(socket);
  return await new Promise((resolve) => {
    socket.on("message", (data: Buffer) => {
      const message = parseGatewayMessage(data.toString());
      if (message.type !== "challenge") return resolve(message);
      const gatewayKey = message.gatewayKeys[0] ?? "";
      const payload = hostKeyPayload(message.nonce, gatewayKey, line(first));
      const made = proofs(payload, message)?.map((proof) => proof.toString("base64"));
      socket.send(
        JSON.stringify({
          type: "register",
          version: 1,
          name: as.name ?? "dev",
          workspaceId: null,
          hostKeys: [first, ...further].map(line),
          signature: first.sign(registrationPayload(message.nonce, gatewayKey)).toString("base64"),
          ...(made === undefined ? {} : { proofs: made }),
          agent: "test",
          endToEndOnly: false,
          ownerTokens: false,
        }),
      );
    });
    socket.resume();
  });
}

const refused = (code: string) => ({ type: "error", code });

test("Further keys are accepted if they have signed the challenge like the first.", async () => {
  const answer = await register(own.furtherKeys, (payload) =>
    own.furtherKeys.map((key) => key.sign(payload)),
  );
  expect(answer).toMatchObject({ type: "registered" });
  const [workspace] = [...stack.gateway.registry.all()];
  expect(workspace?.hostKeys).toEqual([own, ...own.furtherKeys].map(line));
});

test("An older host, which names one key and proves no others, can still register.", async () => {
  expect(await register([], () => undefined)).toMatchObject({ type: "registered" });
});

test.each([
  ["without a proof", () => undefined],
  ["with too few of them", (payload: Buffer) => [own.furtherKeys[0]?.sign(payload) ?? payload]],
  ["with noise for one", () => [randomBytes(70), randomBytes(384)]],
  ["with each other's", (payload: Buffer) => own.furtherKeys.toReversed().map((key) => key.sign(payload))],
  [
    "with what they have signed for a different host",
    (_: Buffer, { nonce, gatewayKeys }: ChallengeMessage) =>
      own.furtherKeys.map((key) => key.sign(hostKeyPayload(nonce, gatewayKeys[0] ?? "", line(others)))),
  ],
  [
    "with what they have signed for a different challenge",
    (_: Buffer, { gatewayKeys }: ChallengeMessage) =>
      own.furtherKeys.map((key) => key.sign(hostKeyPayload("AAAA", gatewayKeys[0] ?? "", line(own)))),
  ],
])("Keys are refused %s.", async (_, proofs) => {
  expect(await register(own.furtherKeys, proofs)).toMatchObject(refused("identity_mismatch"));
  expect(stack.gateway.registry.size).toBe(0);
});

test("An older host is told in codes that it knows that its key waits for the owner, or what its token is for.", async () => {
  await register([], () => undefined);
  // The host that is there answers no pings: the gateway does not wait for it once it is gone.
  for (const socket of sockets.splice(0)) socket.terminate();
  await expect.poll(() => stack.gateway.registry.size).toBe(0);
  expect(await register([], () => undefined, { identity: others })).toMatchObject({
    ...refused("identity_mismatch"),
    message: expect.stringContaining("sallyport workspace host-key dev --accept"),
  });
  expect(await register([], () => [], { identity: others })).toMatchObject(refused("host_key_held"));
  const bound = (await stack.token(await stack.account("bob"), ["host"])).token;
  await register([], () => [], { token: bound });
  expect(await register([], () => undefined, { token: bound, name: "else" })).toMatchObject({
    ...refused("forbidden"),
    message: expect.stringContaining("--workspace else"),
  });
  expect(await register([], () => [], { token: bound, name: "else" })).toMatchObject(refused("token_bound"));
});

test("An RSA key of less than 2048 bits is refused, however long its bytes are.", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const modulus = Buffer.concat([Buffer.alloc(200), Buffer.from(n, "base64url")]);
  const blob = encode("ssh-rsa", Buffer.from(e, "base64url"), modulus).toString("base64");
  const short = { publicKey: parsePublicKey(`ssh-rsa ${blob}`) };
  const answer = await register([short], (payload) => [sign("sha512", payload, privateKey)]);
  expect(answer).toMatchObject(refused("bad_key"));
});

test("Another host's keys are refused, and the same key twice.", async () => {
  const ownProofs = (payload: Buffer) => own.furtherKeys.map((key) => key.sign(payload));
  expect(await register(others.furtherKeys.slice(0, 1), ownProofs)).toMatchObject(
    refused("identity_mismatch"),
  );
  const [first] = own.furtherKeys;
  if (first === undefined) throw new Error("no further key");
  const twice = (payload: Buffer) => [first.sign(payload), first.sign(payload)];
  expect(await register([first, first], twice)).toMatchObject(refused("bad_key"));
  expect(await register([others], (payload) => [others.sign(payload)])).toMatchObject({ type: "registered" });
});

test("An existing workspace gets the further keys with its host's next start, and stays the same one.", async () => {
  const before = await register([], () => undefined);
  const host = await stack.host({ token, name: "dev", state: join(stack.directory, "own") });
  expect(before).toMatchObject({ workspace: { id: host.id } });
  expect((await stack.gateway.store.workspace(host.id))?.hostKeys).toHaveLength(3);
});
