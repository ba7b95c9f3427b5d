// What the health page finds in what the gateway says of itself.

import type { AdminHealth } from "../../../../protocol/admin-api.ts";
import { t } from "../../../words.ts";
import type { Check } from "./check.ts";

const CERTIFICATE_WARNING_DAYS = 14;
const SLOW_DATABASE_MS = 100;
const DAY_MS = 86_400_000;

/** @param now in ms */
export function ownChecks(health: AdminHealth, now: number): Check[] {
  return [proxies(health), ssh(health), certificate(health, now), database(health), ...warnings(health)];
}

function proxies({ request, trustedProxies, publicUrl: url }: AdminHealth): Check {
  const base = { id: "proxy", title: t("Proxy in front") };
  const { peer, peerTrusted, forwarded, forwardedProto, address, tls } = request;
  if (!forwarded) {
    return tls || !url.startsWith("https:")
      ? {
          ...base,
          verdict: "good",
          found: t("Nothing stands between: the gateway sees you at {0}.", address),
        }
      : {
          ...base,
          verdict: "warning",
          found: t(
            "Something at {0} ends https in front of the gateway, and does not say whom it serves. All people seem to come from there, and share its limits.",
            peer,
          ),
          advice: t("Let it set X-Forwarded-For, and start the gateway with --trust-proxy {0}.", peer),
        };
  }
  if (!peerTrusted) {
    return {
      ...base,
      verdict: "warning",
      found: t(
        "A proxy at {0} sends X-Forwarded-For, which the gateway ignores because it does not trust that address. All people seem to come from there.",
        peer,
      ),
      advice: t("If it is your proxy, start the gateway with --trust-proxy {0}.", peer),
    };
  }
  if (forwardedProto !== null && !url.startsWith(`${forwardedProto}:`)) {
    return {
      ...base,
      verdict: "warning",
      found: t("The proxy says that you came by {0}, but the public URL is {1}.", forwardedProto, url),
      advice: t("Set X-Forwarded-Proto in the proxy, or correct --public-url."),
    };
  }
  return {
    ...base,
    verdict: "good",
    found: t(
      "The proxy at {0} is trusted ({1}), and you are seen at {2}.",
      peer,
      trustedProxies.join(", "),
      address,
    ),
  };
}

function ssh({ ssh: address }: AdminHealth): Check {
  const base = { id: "ssh", title: t("SSH address") };
  return address === null
    ? {
        ...base,
        verdict: "info",
        found: t("The gateway serves no SSH, so that stock ssh cannot connect directly. Tunnels work."),
        advice: t("Start the gateway with --ssh to offer it."),
      }
    : {
        ...base,
        verdict: "good",
        found: t(
          "ssh connects to {0}, port {1}. A browser cannot test that: try sallyport doctor.",
          address.host,
          address.port,
        ),
      };
}

function certificate({ certificate: own }: AdminHealth, now: number): Check {
  const base = { id: "certificate", title: t("Certificate") };
  if (own === null) {
    return {
      ...base,
      verdict: "info",
      found: t("The gateway has no certificate of its own. A proxy in front of it may have one."),
    };
  }
  const days = Math.floor((Date.parse(own.expiresAt) - now) / DAY_MS);
  const advice = own.automatic
    ? t("It should have been renewed by itself: look for certificate.failed in the audit log.")
    : t("Renew the file that --tls-cert names. The gateway reads it again by itself.");
  if (days < 0)
    return { ...base, verdict: "bad", found: t("The certificate has expired. No client connects."), advice };
  if (days < CERTIFICATE_WARNING_DAYS)
    return { ...base, verdict: "warning", found: t("The certificate expires in {0} days.", days), advice };
  return {
    ...base,
    verdict: "good",
    found: own.automatic
      ? t("The certificate is good for {0} more days, and is renewed by itself.", days)
      : t("The certificate is good for {0} more days.", days),
  };
}

function database({ database: { ok, ms, bytes: size }, pendingRevocations }: AdminHealth): Check {
  const base = { id: "database", title: t("Database") };
  const megabytes = (size / 1_000_000).toFixed(1);
  if (!ok || pendingRevocations > 0) {
    return {
      ...base,
      verdict: "bad",
      found: ok
        ? t(
            "Revocations that are in effect could not be written yet: {0}. They would be lost if the gateway stopped now.",
            pendingRevocations,
          )
        : t("The gateway cannot write to its database."),
      advice: t("Look whether the disk is full or read-only, and at the gateway's log."),
    };
  }
  return ms > SLOW_DATABASE_MS
    ? {
        ...base,
        verdict: "warning",
        found: t("The database answers after {0} ms, which is slow.", Math.round(ms)),
        advice: t("Look at the load of the machine and at its disk."),
      }
    : {
        ...base,
        verdict: "good",
        found: t("The database answers after {0} ms and has {1} MB.", Math.max(1, Math.round(ms)), megabytes),
      };
}

/** What the other findings say, in more words. */
const COVERED: ReadonlySet<string> = new Set([
  "untrusted-forwarding",
  "other-host",
  "no-public-url",
  "plain-http",
  "tls-ends-elsewhere",
  "certificate-expired",
  "certificate-expires",
  "database",
  "not-written",
]);

function warnings({ warnings: list }: AdminHealth): Check[] {
  return list
    .filter(({ code }) => !COVERED.has(code))
    .map(({ code, message }) => ({
      id: `warning-${code}`,
      title: t("The gateway warns"),
      verdict: "warning" as const,
      found: message,
    }));
}
