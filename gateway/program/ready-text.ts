// What `sallyport gateway` prints on a terminal or into a service's log once it is ready.

import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { quoteForShell } from "../../protocol/values/shell-word.ts";
import { keepsCookies } from "../identity/browser-session/browser-session.ts";

export interface Ready {
  readonly http: string;
  readonly ssh: string | null;
  /** Of the account that the first start made. */
  readonly adminToken?: string;
}

interface Dashboard {
  readonly dashboard: boolean;
  readonly publicUrl: GatewayUrl | null;
  readonly dataDir: string;
}

/** @param defaultDir the data directory of commands that name none */
export function readyText(
  { http, ssh, adminToken }: Ready,
  { dashboard, publicUrl, dataDir }: Dashboard,
  defaultDir: string,
): string {
  const lines = [`The gateway is ready at ${http}`];
  if (ssh !== null) lines.push(`SSH is served at ${ssh}`);
  if (adminToken !== undefined) {
    lines.push(`Access token of the account admin, shown this once: ${adminToken}`);
  }
  // It names no secret, so it is said at each start. Where no browser can sign in, the command would refuse.
  if (dashboard && (publicUrl === null || keepsCookies({ publicUrl: () => publicUrl }))) {
    const data = dataDir === defaultDir ? "" : ` --data ${quoteForShell(dataDir)}`;
    lines.push(
      `For a link that signs you in at the dashboard, run: sallyport gateway invite admin --sign-in${data}`,
    );
  }
  return `${lines.join("\n")}\n`;
}
