// A page to read and to copy from, in an editor of its own: it cannot be changed, so nobody is asked to save it.

import { type Disposable, Uri, window, workspace } from "vscode";
import type { Services } from "./services.ts";

const SCHEME = "sallyport-page";
const pages = new Map<string, string>();
let provider: Disposable | undefined;

/** `name` is what the tab says. A page of the same name is shown anew with the time in its name. */
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
  await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
}
