// Asks before the person's own SSH config is changed, and shows the change as a diff.

import { commands, env, l10n, ThemeIcon, Uri, window, workspace } from "vscode";
import type { Change, Plan } from "../../agent/client/ssh-config/person/include-plan.ts";

const SCHEME = "sallyport-config";
const MAX_DETAIL = 2_000;

/** Returns whether the person agreed to the change. */
export async function askForInclude(path: string, change: Change): Promise<boolean> {
  return await askForChange(path, change, {
    question: l10n.t("Let Sallyport add one line to {0}?", path),
    detail: l10n.t(
      "SSH can then find your workspaces. Sallyport keeps its own settings in a separate file, and “Sallyport: Remove SSH Configuration” removes the line again.",
    ),
    accept: l10n.t("Add the Line"),
  });
}

export async function askForRemoval(path: string, change: Change): Promise<boolean> {
  return await askForChange(path, change, {
    question: l10n.t("Remove Sallyport from {0}?", path),
    detail: l10n.t("Sallyport's own SSH files are deleted too. Everything else in your file stays as it is."),
    accept: l10n.t("Remove"),
  });
}

interface Words {
  readonly question: string;
  readonly detail: string;
  readonly accept: string;
}

async function askForChange(
  path: string,
  change: Change,
  { question, detail, accept }: Words,
): Promise<boolean> {
  const compare = l10n.t("Compare Side by Side");
  const diff = change.diff.length > MAX_DETAIL ? `${change.diff.slice(0, MAX_DETAIL)}\n…` : change.diff;
  for (;;) {
    const answer = await window.showInformationMessage(
      question,
      { modal: true, detail: `${detail}\n\n${diff}` },
      accept,
      compare,
    );
    if (answer !== compare) return answer === accept;
    await showDiff(path, change);
    const decided = await askBeside(question, accept);
    if (decided !== undefined) return decided;
  }
}

/**
 * Asks while the diff can be read and scrolled. A notification would disappear after a while with the question
 * unanswered; a list stays. Returns undefined when it was closed without an answer, such as when another list replaced
 * it.
 */
async function askBeside(question: string, accept: string): Promise<boolean | undefined> {
  const yes = { label: accept, iconPath: new ThemeIcon("check"), decided: true };
  const no = { label: l10n.t("Cancel"), iconPath: new ThemeIcon("close"), decided: false };
  const answer = await window.showQuickPick([yes, no], { title: question, ignoreFocusOut: true });
  return answer?.decided;
}

/** Asks the person to change a file that Sallyport cannot write. Returns whether to go on. */
export async function tellIncludeByHand(
  path: string,
  { message, line }: Extract<Plan, { kind: "refused" }>,
  what: "add" | "remove" = "add",
): Promise<boolean> {
  const copy = l10n.t("Copy the Line");
  const goOn = what === "add" ? l10n.t("I Have Added It") : l10n.t("I Have Removed It");
  const detail =
    what === "add"
      ? l10n.t("Add this line yourself, at the very top of {0}:\n\n{1}", path, line)
      : l10n.t("Remove this line from {0} yourself:\n\n{1}", path, line);
  const ask = (...buttons: string[]) =>
    window.showWarningMessage(message, { modal: true, detail }, ...buttons);
  const answer = await ask(copy, goOn);
  if (answer !== copy) return answer === goOn;
  await env.clipboard.writeText(line);
  return (await ask(goOn)) === goOn;
}

async function showDiff(path: string, { before, after }: Change): Promise<void> {
  const texts = new Map([
    ["before", before?.toString("utf8") ?? ""],
    ["after", after?.toString("utf8") ?? ""],
  ]);
  const registration = workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: (uri) => texts.get(uri.query) ?? "",
  });
  const side = (query: string) => Uri.from({ scheme: SCHEME, path, query });
  try {
    await commands.executeCommand(
      "vscode.diff",
      side("before"),
      side("after"),
      l10n.t("{0}: with Sallyport's change", path),
      { preview: true },
    );
  } finally {
    registration.dispose();
  }
}
