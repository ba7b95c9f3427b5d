import { beforeEach, expect, test, vi } from "vitest";
import { workspace } from "../agent/client/workspaces/workspaces.ts";
import { window } from "./fake-vscode.ts";
import { oneGateway } from "./one-gateway.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const { answerOffer, leave } = await import("../../../extension/workspaces/offers.ts");

beforeEach(() => {
  vi.clearAllMocks();
});

function world() {
  const box = workspace("box", { mine: false, owner: "bob" });
  const { services, gateway } = oneGateway(box);
  const offer = { id: box.id, name: "box", owner: "bob", pending: true, createdAt: box.createdAt };
  const api = {
    acceptShare: vi.fn((_: string) => Promise.resolve()),
    leaveShare: vi.fn((_: string): Promise<string | undefined> => Promise.resolve(undefined)),
  };
  Object.assign(gateway, { offers: new Map([[box.id, offer]]), api: () => Promise.resolve(api) });
  const call = (run: unknown, kind: string) =>
    Reflect.apply(run as () => Promise<void>, undefined, [
      services,
      { kind, gateway: gateway.gateway, id: box.id },
    ]);
  return { api, box, call };
}

test.each([
  ["Accept", [1, 0]],
  ["Decline", [0, 1]],
  [undefined, [0, 0]],
])("an offer that is answered with %s", async (answer, [accepted, declined]) => {
  const { api, box, call } = world();
  window.showInformationMessage.mockResolvedValueOnce(answer);
  await call(answerOffer, "offer");
  expect(window.showInformationMessage.mock.calls[0]?.[0]).toBe(
    "bob wants to share box with you at gw.example.",
  );
  expect(window.showInformationMessage.mock.calls[0]?.[1]).toMatchObject({ modal: true });
  expect(api.acceptShare).toHaveBeenCalledTimes(accepted ?? 0);
  expect(api.leaveShare).toHaveBeenCalledTimes(declined ?? 0);
  for (const [id] of [...api.acceptShare.mock.calls, ...api.leaveShare.mock.calls]) expect(id).toBe(box.id);
});

test("a workspace of another account is left after a yes", async () => {
  const { api, box, call } = world();
  await call(leave, "workspace");
  expect(api.leaveShare).not.toHaveBeenCalled();
  window.showWarningMessage.mockResolvedValueOnce("Leave Workspace");
  await call(leave, "workspace");
  expect(api.leaveShare).toHaveBeenCalledWith(box.id);
});

test("a gateway that has left it and could not write it down is heard", async () => {
  const { api, call } = world();
  api.leaveShare.mockResolvedValueOnce("It is in effect now.");
  window.showWarningMessage.mockResolvedValueOnce("Leave Workspace");
  await call(leave, "workspace");
  expect(window.showWarningMessage).toHaveBeenLastCalledWith("It is in effect now.");
  api.leaveShare.mockResolvedValueOnce("It is in effect now.");
  window.showInformationMessage.mockResolvedValueOnce("Decline");
  await call(answerOffer, "offer");
  expect(window.showWarningMessage).toHaveBeenCalledTimes(3);
});
