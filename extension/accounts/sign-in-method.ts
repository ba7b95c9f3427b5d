// A method of signing in at a gateway.

import type { Granted } from "../../agent/platform/credentials/token-endpoint.ts";
import type { Discovery } from "../../protocol/api.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { AccessToken } from "../../protocol/values/token.ts";
import type { Services } from "../services.ts";

/** `another`: the person wants to be asked again how to sign in. undefined: they gave up. */
export type Obtained =
  | { readonly kind: "token"; readonly token: AccessToken }
  | { readonly kind: "granted"; readonly granted: Granted }
  | { readonly kind: "another" }
  | undefined;

export interface SignInMethod {
  readonly label: string;
  readonly detail: string;
  /** Whether this gateway offers it, and this editor can do it. */
  offeredBy(discovery: Discovery, gateway: GatewayUrl): Promise<boolean>;
  /** Returns what the gateway has accepted. @throws CommandError */
  obtain(gateway: GatewayUrl, services: Services): Promise<Obtained>;
}
