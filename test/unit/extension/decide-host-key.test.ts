import { beforeEach, expect, test, vi } from "vitest";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { workspace } from "../agent/client/workspaces/workspaces.ts";
import { window } from "./fake-vscode.ts";
import { oneGateway } from "./one-gateway.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const { decideHostKey } = await import("../../../extension/workspaces/decide-host-key.ts");

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
const fingerprint = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
const held = { fingerprint, publicKey, since: new Date().toISOString(), address: "192.0.2.1" };

beforeEach(() => {
  vi.clearAllMocks();
});

async function decide(answer: string | undefined) {
  const world = oneGateway(workspace("prod", { hostKeys: [publicKey], heldHostKeys: [held] }));
  const decided: unknown[] = [];
  const api = {
    decideHostKey: async (ref: unknown, decision: unknown) => {
      decided.push(ref, decision);
    },
  };
  const gateway = { ...world.gateway, api: () => Promise.resolve(api) };
  const gateways = { list: () => Promise.resolve([gateway]), get: () => gateway, known: [gateway] };
  window.showWarningMessage.mockResolvedValueOnce(answer);
  await Reflect.apply(decideHostKey, undefined, [{ ...world.services, gateways }, world.node]);
  return { decided, id: world.node.id };
}

test("the person sees both fingerprints, and is asked modally", async () => {
  await decide(undefined);
  const [question, options] = window.showWarningMessage.mock.calls[0] ?? [];
  expect(question).toContain("prod");
  expect(options).toMatchObject({ modal: true, detail: expect.stringContaining(fingerprint) });
  expect(JSON.stringify(options)).toContain(`Known host key: ${parsePublicKey(publicKey).fingerprint}`);
});

test.each([
  ["Accept", "accept"],
  ["Decline", "decline"],
])("%s is what the gateway hears", async (answer, decision) => {
  const { decided, id } = await decide(answer);
  expect(decided).toEqual([
    { kind: "id", id },
    { fingerprint, decision },
  ]);
});

test("a person who answers nothing has decided nothing", async () => {
  expect((await decide(undefined)).decided).toEqual([]);
});
