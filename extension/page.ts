// A rendered page to read and copy from, in an editor tab. It is read-only, so nobody is asked to save it.

import { commands, type Disposable, Uri, window, workspace } from "vscode";
import type { Services } from "./services.ts";

const SCHEME = "sallyport-page";
const pages = new Map<string, string>();
let provider: Disposable | undefined;

/** `name` is the tab's title, to which the time is added: a second page of the same name is a new one. */
export async function showPage(services: Services, name: string, markdown: string): Promise<void> {
  if (provider === undefined) {
    provider = workspace.registerTextDocumentContentProvider(SCHEME, {
      provideTextDocumentContent: ({ path }) => pages.get(path) ?? "",
    });
    services.context.subscriptions.push(provider);
  }
  const time = new Date().toTimeString().slice(0, 8);
  const uri = Uri.from({ scheme: SCHEME, path: `/${name} ${time}.md` });
  pages.set(uri.path, markdown);
  try {
    await commands.executeCommand("markdown.showPreview", uri);
  } catch (error) {
    // Some editors have no Markdown preview, and a person may have disabled it. The source is readable too.
    services.log.debug(`No Markdown preview: ${error instanceof Error ? error.message : String(error)}`);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
  }
}
