import { beforeEach, expect, test, vi } from "vitest";
import { commands, window } from "./fake-vscode.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const { askForInclude } = await import("../../../extension/ssh-config/consent.ts");

const change = {
  kind: "change",
  before: Buffer.from(""),
  after: Buffer.from("Include x\n"),
  diff: "+Include x",
} as const;
const ask = () => askForInclude("/home/me/.ssh/config", change);
const COMPARE = "Compare Side by Side";
const ADD = "Add the Line";

beforeEach(() => {
  vi.clearAllMocks();
});

/** What the person picks in the list beside the diff, by its label; undefined: it closes without an answer. */
function pick(label: string | undefined): void {
  window.showQuickPick.mockImplementationOnce((items) =>
    Promise.resolve(Array.isArray(items) ? items.find((one) => one.label === label) : undefined),
  );
}

test.each([
  [ADD, true],
  ["Cancel", false],
])("beside the diff, %j answers the question", async (label, agreed) => {
  window.showInformationMessage.mockResolvedValueOnce(COMPARE);
  pick(label);
  expect(await ask()).toBe(agreed);
  expect(commands.executeCommand).toHaveBeenCalledWith(
    "vscode.diff",
    expect.anything(),
    expect.anything(),
    expect.any(String),
    expect.anything(),
  );
  expect(window.showQuickPick.mock.calls[0]?.[1]).toMatchObject({ ignoreFocusOut: true });
});

test("beside the diff the question does not go away by itself: closed without an answer, it is asked again", async () => {
  window.showInformationMessage.mockResolvedValueOnce(COMPARE).mockResolvedValueOnce(ADD);
  pick(undefined);
  expect(await ask()).toBe(true);
  expect(window.showInformationMessage).toHaveBeenCalledTimes(2);
  // Each time as one that waits for its answer.
  for (const [, options] of window.showInformationMessage.mock.calls)
    expect(options).toMatchObject({ modal: true });
});

test("no answer to the question is a no", async () => {
  expect(await ask()).toBe(false);
  expect(window.showQuickPick).not.toHaveBeenCalled();
});
