// The kinds of values that the agent's commands take, beside those that any command may take.

import type { ValueType } from "../../protocol/command/definition.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef, type WorkspaceRef } from "../../protocol/values/name.ts";

export const GATEWAY: ValueType<GatewayUrl> = { hint: "GATEWAY", read: (text) => parseGatewayUrl(text) };

/** A name, `name.owner`, or an id. */
export const WORKSPACE: ValueType<WorkspaceRef> = {
  hint: "WORKSPACE",
  read: (text) => parseWorkspaceRef(text),
};
