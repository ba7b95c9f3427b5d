// What the health page finds where this browser's view and the gateway's own meet. Pure: observe.ts gathers the former.

import type { AdminHealth } from "../../../../protocol/admin-api.ts";
import { t } from "../../../words.ts";
import { type Check, type Observed, running } from "./check.ts";

const CLOCK_WARNING_MS = 30_000;
const BUFFERED_MS = 3_000;

export function pageChecks(health: AdminHealth, seen: Observed): Check[] {
  return [
    publicUrl(health, seen),
    secureContext(seen),
    cookies(seen),
    webSocket(health, seen),
    events(seen),
    clock(seen),
  ];
}

function publicUrl({ publicUrl: url, publicUrlConfigured }: AdminHealth, { pageUrl }: Observed): Check {
  const base = { id: "public-url", title: t("Public URL") };
  if (url.replace(/\/$/, "") !== pageUrl) {
    return {
      ...base,
      verdict: "bad",
      found: t(
        "This page is at {0}, but the gateway says that it is at {1}. Links, sign-in and clients use the latter.",
        pageUrl,
        url,
      ),
      advice: t("Start the gateway with --public-url {0}, or open the page at {1}.", pageUrl, url),
    };
  }
  return publicUrlConfigured
    ? { ...base, verdict: "good", found: t("The gateway knows itself as {0}, which is this page.", url) }
    : {
        ...base,
        verdict: "warning",
        found: t("The gateway made its URL {0} from the address that it listens on.", url),
        advice: t("Start the gateway with --public-url, so that it stays the same behind a proxy or a name."),
      };
}

function secureContext({ secureContext: secure, pageUrl }: Observed): Check {
  const base = { id: "secure-context", title: t("Encryption") };
  if (!secure) {
    return {
      ...base,
      verdict: "bad",
      found: t("The page came unencrypted. Browsers keep no session, make no passkey and copy nothing here."),
      advice: t("Serve the gateway by https: --acme, --tls-cert, or a proxy in front of it."),
    };
  }
  return {
    ...base,
    verdict: "good",
    found: pageUrl.startsWith("https:")
      ? t("The page came by https.")
      : t("The page comes from this machine, which browsers trust without https."),
  };
}

function cookies({ cookies: kept }: Observed): Check {
  const base = { id: "cookies", title: t("Cookies") };
  if (kept === undefined) return running(base);
  return kept
    ? {
        ...base,
        verdict: "good",
        found: t("This browser keeps the session in a cookie that only this gateway gets."),
      }
    : {
        ...base,
        verdict: "bad",
        found: t("At the gateway's public URL no browser keeps a session."),
        advice: t("Give it an https address by --public-url."),
      };
}

function webSocket({ publicUrl: url }: AdminHealth, { webSocket: found, pageUrl }: Observed): Check {
  const base = { id: "web-socket", title: t("WebSocket") };
  if (url.replace(/\/$/, "") !== pageUrl) {
    return { ...base, verdict: "info", found: t("It can be tested once the public URL is this page's.") };
  }
  if (found === undefined) return running(base);
  const advice = t(
    "Let the proxy in front of the gateway pass Upgrade and Connection on for /tunnel and /link, by HTTP/1.1, without a time limit under a minute.",
  );
  switch (found) {
    case "passes":
      return {
        ...base,
        verdict: "good",
        found: t("WebSockets reach the gateway, so tunnels and hosts work from this network."),
      };
    case "refused":
      return {
        ...base,
        verdict: "bad",
        found: t(
          "Something in front of the gateway answers WebSockets itself. Tunnels and hosts cannot connect.",
        ),
        advice,
      };
    case "silent":
      return {
        ...base,
        verdict: "bad",
        found: t("Nobody answers WebSockets. Tunnels and hosts cannot connect."),
        advice,
      };
  }
}

function events({ events: found }: Observed): Check {
  const base = { id: "events", title: t("Live updates") };
  if (found === undefined) return running(base);
  const advice = t(
    "Turn off buffering and compression for /api/v1/events in the proxy in front of the gateway.",
  );
  if (found === "failed")
    return { ...base, verdict: "bad", found: t("The event stream is refused."), advice };
  if (found === "silent") {
    return {
      ...base,
      verdict: "bad",
      found: t("The event stream opens, but nothing arrives: something buffers it. Lists stay old."),
      advice,
    };
  }
  const ms = Math.round(found.firstMs);
  return found.firstMs > BUFFERED_MS
    ? {
        ...base,
        verdict: "warning",
        found: t("The first event took {0} ms: something may buffer the stream.", ms),
        advice,
      }
    : { ...base, verdict: "good", found: t("The first event arrived after {0} ms.", ms) };
}

function clock({ clockAheadMs, clockErrorMs = 0 }: Observed): Check {
  const base = { id: "clock", title: t("Clock") };
  if (clockAheadMs === undefined) return running(base);
  const seconds = Math.round(Math.abs(clockAheadMs) / 1000);
  if (Math.abs(clockAheadMs) - clockErrorMs < CLOCK_WARNING_MS) {
    return {
      ...base,
      verdict: "good",
      found: t("The gateway's clock and this browser's differ by less than {0} s.", seconds + 1),
    };
  }
  return {
    ...base,
    verdict: "warning",
    found:
      clockAheadMs > 0
        ? t(
            "The gateway's clock is {0} seconds ahead of this browser's. Tokens and certificates then seem to start or end at the wrong time.",
            seconds,
          )
        : t(
            "The gateway's clock is {0} seconds behind this browser's. Tokens and certificates then seem to start or end at the wrong time.",
            seconds,
          ),
    advice: t("Keep both clocks by NTP."),
  };
}
