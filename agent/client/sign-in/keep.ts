// Keeps a sign-in that the gateway has just given, or ends it again: one that nobody has would stay in the list of devices.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { RenewableCredential } from "../../platform/credentials/credential.ts";
import {
  type Facts,
  type Saved,
  type StoreContext,
  saveCredential,
} from "../../platform/credentials/store.ts";
import { endSignIn } from "./end.ts";

/** @throws CommandError stage `file` */
export async function keepOrEnd(
  gateway: GatewayUrl,
  credential: RenewableCredential,
  facts: Facts,
  context: StoreContext,
): Promise<Saved> {
  try {
    return await saveCredential(gateway, credential, facts, context);
  } catch (error) {
    // The person reads why it could not be kept; that it could not be ended either would not help them.
    await endSignIn(gateway, credential, context).catch(() => {});
    throw error;
  }
}
