// Ends a sign-in at its gateway (RFC 7009): the refresh token and every access token that came with it.

import { OAUTH_PATHS } from "../../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../../platform/command-error.ts";
import type { RenewableCredential } from "../../platform/credentials/credential.ts";
import { type AskContext, GrantRefused, postForm } from "../../platform/credentials/token-endpoint.ts";

/** A sign-in that has ended already is fine. @throws CommandError */
export async function endSignIn(
  gateway: GatewayUrl,
  { renewal: { refresh, client } }: RenewableCredential,
  context: AskContext,
): Promise<void> {
  const form = { token: refresh, token_type_hint: "refresh_token", client_id: client };
  try {
    await postForm(gateway, OAUTH_PATHS.revoke, form, context);
  } catch (error) {
    if (!(error instanceof GrantRefused)) throw error;
    if (error.code === "invalid_grant") return;
    const message = `${gateway} did not end the sign-in: ${error.message.replace(/\.$/, "")}.`;
    throw new CommandError("http", error.code, message, { cause: error });
  }
}
