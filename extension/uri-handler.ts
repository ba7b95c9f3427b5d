// URIs that open the editor: connect URLs, `vscode://sallyport.sallyport/connect?gateway=…&workspace=…`, and the answers to
// sign-ins (accounts/sign-in-callbacks.ts). Anybody can write one, so they are untrusted input.

import { type Disposable, l10n, type Uri, window } from "vscode";
import { EDITOR_REDIRECT } from "../protocol/sign-in/oauth.ts";
import type { Services } from "./services.ts";

const CALLBACK_PATH = EDITOR_REDIRECT.slice(EDITOR_REDIRECT.indexOf("/"));

export function registerUriHandler(services: Services): Disposable {
  return window.registerUriHandler({ handleUri: (uri) => open(services, uri) });
}

async function open(services: Services, uri: Uri): Promise<void> {
  if (uri.path === CALLBACK_PATH) return await services.signIns.arrived(uri.query);
  try {
    const { parseConnectUrl } = await import("../protocol/connect-url.ts");
    const link = parseConnectUrl(uri.path, uri.query);
    const { openConnectUrl } = await import("./connect/open-connect-url.ts");
    await openConnectUrl(services, link);
  } catch (error) {
    const { showFailure } = await import("./failure-message.ts");
    await showFailure(services, l10n.t("Opening the link"), error);
  }
}
