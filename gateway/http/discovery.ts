// The discovery document: what a client has to know before it signs in.

import type { Discovery } from "../../protocol/api.ts";
import { OAUTH_CAPABILITY } from "../../protocol/sign-in/oauth.ts";
import { type GatewayUrl, PATHS, SUBPROTOCOL, webSocketUrl } from "../../protocol/values/gateway-url.ts";
import type { SshAddress } from "../../protocol/values/host-name.ts";
import { VERSION } from "../../protocol/version.ts";
import type { HostKeys } from "../host-keys/host-keys.ts";
import type { GatewayOptions } from "../program/options.ts";

export function discovery(gateway: {
  publicUrl: GatewayUrl;
  ssh: SshAddress | null;
  hostKeys: HostKeys;
  /** Whether programs can sign in by a browser. */
  oauth: boolean;
  options: Pick<GatewayOptions, "downloads" | "open">;
}): Discovery {
  return {
    product: "sallyport",
    version: VERSION,
    apiVersions: [1],
    publicUrl: gateway.publicUrl,
    tunnelUrl: webSocketUrl(gateway.publicUrl, PATHS.tunnel),
    ssh: gateway.ssh,
    // The next ones too: clients that pin them now notice nothing when they become active.
    hostKeys: [...gateway.hostKeys.publicKeys, ...(gateway.hostKeys.next?.publicKeys ?? [])],
    subprotocols: Object.values(SUBPROTOCOL),
    openRegistration: gateway.options.open,
    capabilities: [
      ...(gateway.ssh === null ? [] : ["ssh", "jump"]),
      "tunnel",
      "shares",
      "owner-tokens",
      "key-proofs",
      "events",
      ...(gateway.oauth ? [OAUTH_CAPABILITY] : []),
      ...(gateway.options.downloads === null ? [] : ["downloads"]),
    ],
  };
}
