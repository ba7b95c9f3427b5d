// Signs this command line in at a gateway without a token that somebody has to make first: by the browser of this machine, or by
// a device code where there is none.

import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { CommandContext } from "../../../../protocol/command/command.ts";
import type { OAuthScope } from "../../../../protocol/sign-in/oauth.ts";
import { type GatewayUrl, gatewayHost } from "../../../../protocol/values/gateway-url.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import { VERSION } from "../../../../protocol/version.ts";
import { signInByBrowser } from "../../../client/sign-in/browser.ts";
import { askForDeviceCode, pollForTokens } from "../../../client/sign-in/device-code.ts";
import { hasBrowser, openBrowser } from "../../../client/sign-in/open-browser.ts";
import { CommandError } from "../../../platform/command-error.ts";
import type { Granted } from "../../../platform/credentials/token-endpoint.ts";
import { formatDuration } from "../../../platform/duration.ts";
import { json } from "../../../platform/output.ts";

export interface ClientSignIn {
  readonly gateway: GatewayUrl;
  readonly scopes: readonly OAuthScope[];
  /** undefined: whatever fits this machine. */
  readonly by: "browser" | "device" | undefined;
  /** The gateway takes them. */
  readonly deviceCodes: boolean;
  readonly json: boolean;
}

/** @throws CommandError; the signal's reason */
export async function signInAsClient(
  { gateway, scopes, by, deviceCodes, json: asJson }: ClientSignIn,
  context: CommandContext,
): Promise<Granted> {
  const { env, stdout, stderr, signal } = context;
  const system = { platform: process.platform, env };
  const device = printable(`sallyport ${VERSION} on ${hostname()}`, 100);
  const wish = { gateway, client: "sallyport-cli", scopes, device } as const;
  const say = (text: string): void => {
    stderr.write(`${text}\n`);
  };
  if (by === "browser" || (by === undefined && hasBrowser(system))) {
    const open = async (url: string): Promise<void> => {
      if (asJson) stdout.write(json({ event: "browser", url }));
      const opened = await openBrowser(url, system);
      say(
        opened
          ? `Your browser asks you to sign in at ${gatewayHost(gateway)}. If it does not open, open this page on this machine:`
          : "No browser could be started. Open this page on this machine:",
      );
      say(`  ${url}`);
      say("There is no browser on this machine? Press Ctrl-C, and use `sallyport login --device`.");
    };
    return await signInByBrowser(wish, open, { env, signal });
  }
  if (!deviceCodes) {
    const message = `${gateway} takes no device codes: sign in with --browser on a machine that has one, or with --with-token.`;
    throw new CommandError("sign-in", "no_device_codes", message);
  }
  const code = await askForDeviceCode(wish, context);
  const { userCode, verificationUri, verificationUriComplete, expiresInSeconds } = code;
  if (asJson) {
    const event = { event: "device-code", userCode, verificationUri, verificationUriComplete };
    stdout.write(json({ ...event, expiresIn: expiresInSeconds }));
  }
  say(`Open ${verificationUri} on any device, and enter this code:`);
  say(`  ${userCode}`);
  say(
    `It can be used for ${formatDuration(expiresInSeconds)}. Enter it only if you started this sign-in yourself.`,
  );
  return await pollForTokens(
    wish,
    code,
    { env, signal },
    {
      now: Date.now,
      sleep: (ms, stop) => delay(ms, undefined, { signal: stop }),
    },
  );
}
