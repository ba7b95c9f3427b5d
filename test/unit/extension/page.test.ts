import { beforeEach, expect, test, vi } from "vitest";
import { workspace as ofWorkspace } from "../agent/client/workspaces/workspaces.ts";
import { commands, window } from "./fake-vscode.ts";
import { oneGateway } from "./one-gateway.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const { showPage } = await import("../../../extension/page.ts");
const { services } = oneGateway(ofWorkspace("dev"));
const show = () => Reflect.apply(showPage, undefined, [services, "dev", "# dev\n"]);

beforeEach(() => {
  vi.clearAllMocks();
});

test("a page is shown as it reads, not as its source", async () => {
  await show();
  expect(commands.executeCommand).toHaveBeenCalledExactlyOnceWith(
    "markdown.showPreview",
    expect.objectContaining({ scheme: "sallyport-page" }),
  );
  expect(window.showTextDocument).not.toHaveBeenCalled();
});

test("where an editor knows no Markdown, the source is shown", async () => {
  commands.executeCommand.mockRejectedValueOnce(new Error("command 'markdown.showPreview' not found"));
  await show();
  expect(window.showTextDocument).toHaveBeenCalledTimes(1);
});
