// The editor's `http.*` settings, for the extension's own calls. They are also written to a file for the companion,
// which ssh starts and which therefore sees no settings.

import { type Disposable, workspace } from "vscode";
import type { Log } from "../agent/platform/log.ts";
import { hasOwnSettings, networkWithEditor } from "../agent/platform/network/configured-network.ts";
import type { Network } from "../agent/platform/network/network.ts";
import {
  type EditorNetworkSettings,
  editorNetworkSettings,
  editorProxy,
  handDown,
  saysSomething,
} from "../agent/platform/network/proxy/editor-network.ts";
import { describe } from "./failure-message.ts";
import { machine } from "./machine.ts";

/**
 * The network for a call to a gateway. Undefined where nothing is set: the call then uses the editor's own `fetch`,
 * which knows the system's proxies and certificates. Certificates are always verified: where `http.proxyStrictSSL` is
 * off, the editor's `fetch` would not verify them, so it is not used.
 * @throws CommandError stage `proxy`: `http.proxy` is not the address of a proxy
 */
export function editorNetwork(): Network | undefined {
  const settings = readSettings();
  const { env } = machine();
  const strict = workspace.getConfiguration("http").get("proxyStrictSSL") !== false;
  if (strict && !saysSomething(settings) && !hasOwnSettings(env)) return undefined;
  return networkWithEditor(env, editorProxy(settings));
}

/** Writes the settings for the companion now, and whenever they change. */
export function handDownNetwork({ log }: { readonly log: Log }): Disposable {
  const update = (): void => {
    try {
      if (handDown(readSettings(), machine()))
        log.info("The editor's proxy settings were handed to the tunnel.");
    } catch (error) {
      log.warn(`The editor's proxy settings could not be handed to the tunnel: ${describe(error)}`);
    }
  };
  update();
  return workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration("http")) update();
  });
}

/** The person's own settings only: a folder that they received from somebody must not choose a proxy. */
function readSettings(): EditorNetworkSettings {
  const http = workspace.getConfiguration("http");
  const own = (name: string): unknown => http.inspect(name)?.globalValue;
  return editorNetworkSettings({
    proxy: own("proxy"),
    noProxy: own("noProxy"),
    off: own("proxySupport") === "off",
    authorization: own("proxyAuthorization"),
  });
}
