// Connect URLs that open the editor: `vscode://sallyport.sallyport/connect?gateway=…&workspace=…`. Anybody can write
// one, so they are untrusted input.

import { type Disposable, l10n, type Uri, window } from "vscode";
import type { Services } from "./services.ts";

export function registerUriHandler(services: Services): Disposable {
  return window.registerUriHandler({ handleUri: (uri) => open(services, uri) });
}

async function open(services: Services, uri: Uri): Promise<void> {
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
