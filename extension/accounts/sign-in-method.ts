// One way to sign in at a gateway. The only one so far is an access token; signing in with a browser would be a second one.

import type { Discovery } from "../../protocol/api.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { AccessToken } from "../../protocol/values/token.ts";

export interface SignInMethod {
  readonly label: string;
  /** Whether this gateway offers it. */
  offeredBy(discovery: Discovery): boolean;
  /** Returns a token that the gateway has accepted; undefined: the person gave up. */
  obtainToken(gateway: GatewayUrl): Promise<AccessToken | undefined>;
}
