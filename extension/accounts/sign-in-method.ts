// A method of signing in at a gateway.

import type { Discovery } from "../../protocol/api.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { AccessToken } from "../../protocol/values/token.ts";

export interface SignInMethod {
  readonly label: string;
  /** Whether this gateway offers it. */
  offeredBy(discovery: Discovery): boolean;
  /** Returns a token that the gateway has accepted, or undefined when the person gave up. */
  obtainToken(gateway: GatewayUrl): Promise<AccessToken | undefined>;
}
