import { beforeEach, expect, test, vi } from "vitest";
import { workspace } from "../agent/client/workspaces/workspaces.ts";
import { env, window } from "./fake-vscode.ts";
import { oneGateway } from "./one-gateway.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const { openInBrowser } = await import("../../../extension/workspaces/open-in-browser.ts");

beforeEach(() => {
  vi.clearAllMocks();
});

const named = (browserUrl?: string) =>
  oneGateway(workspace("dev", browserUrl === undefined ? {} : { browserUrl }));
const open = ({ services, node }: Pick<ReturnType<typeof named>, "services" | "node">) =>
  Reflect.apply(openInBrowser, undefined, [services, node]);

test("an origin is opened the first time only after a person has agreed, who sees where it leads and whose it is", async () => {
  const world = named("https://dev.example:3000/app?x=1");
  await open(world);
  expect(env.openExternal).not.toHaveBeenCalled();
  const [question, { modal, detail }] = window.showWarningMessage.mock.calls[0] as [
    string,
    { modal: boolean; detail: string },
  ];
  expect(question).toContain("https://dev.example:3000");
  expect(modal).toBe(true);
  expect(detail).toContain("https://dev.example:3000/app?x=1");
  expect(detail).toContain("dev of ana");
  window.showWarningMessage.mockResolvedValueOnce("Open in Browser");
  await open(world);
  expect(env.openExternal).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ text: "https://dev.example:3000/app?x=1" }),
  );
});

test("an origin that was agreed to is not asked about again, another one is, and so is the same one of another workspace", async () => {
  const world = named("https://dev.example/one");
  window.showWarningMessage.mockResolvedValueOnce("Open in Browser");
  await open(world);
  const opened = { ...workspace("dev"), id: world.node.id };
  const again = oneGateway({ ...opened, browserUrl: "https://dev.example/two" });
  await open({ ...again, services: { ...again.services, history: world.services.history } });
  expect(window.showWarningMessage).toHaveBeenCalledTimes(1);
  expect(env.openExternal).toHaveBeenCalledTimes(2);
  for (const other of [
    oneGateway({ ...opened, browserUrl: "https://dev.example:8443/two" }),
    oneGateway({ ...opened, browserUrl: "http://dev.example/two" }),
    named("https://dev.example/one"),
  ]) {
    await open({ ...other, services: { ...other.services, history: world.services.history } });
  }
  expect(window.showWarningMessage).toHaveBeenCalledTimes(4);
  expect(env.openExternal).toHaveBeenCalledTimes(2);
});

test("an address of the person's own machine is told as one", async () => {
  await open(named("http://localhost:8080/"));
  await open(named("http://localhost.example/"));
  const [own, other] = window.showWarningMessage.mock.calls.map((call) => JSON.stringify(call));
  expect(own).toContain("your own machine");
  expect(other).not.toContain("your own machine");
});

test.each([undefined, "javascript:alert(1)", "command:workbench.action.quit", "https://me:pw@dev.example/"])(
  "what a gateway passes on as %s is neither opened nor asked about",
  async (browserUrl) => {
    await expect(open(named(browserUrl))).rejects.toMatchObject({ code: "no_browser_url" });
    expect(window.showWarningMessage).not.toHaveBeenCalled();
    expect(env.openExternal).not.toHaveBeenCalled();
  },
);
