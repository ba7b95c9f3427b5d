// Fetches what GitHub or GitLab list as the SSH public keys of a user: `https://HOST/USER.keys`. The hosts are the operator's
// choice and the user's name is no more than a name, so that nobody makes the gateway ask anything else.

import process from "node:process";
import { ProtocolError } from "../../protocol/errors.ts";
import { type HostName, isHostName } from "../../protocol/values/host-name.ts";
import { type BoundedFetch, boundedFetch } from "../identity/providers/bounded-fetch.ts";

const MAX_BYTES = 64 * 1024;
const MAX_KEYS = 50;

export function hostOf(url: string): HostName {
  const { hostname } = new URL(url);
  if (isHostName(hostname)) return hostname;
  throw new Error(`${url} has no host name`);
}

export function keySourcesFetch(closing: AbortSignal): BoundedFetch {
  return boundedFetch(process.env, closing, MAX_BYTES);
}

/**
 * The lines with keys, 50 at most.
 * @param user has the form that the API's schema asks for
 * @throws ProtocolError not_found: there is no such user; provider_unavailable
 */
export async function fetchKeys(fetchFrom: BoundedFetch, url: string, user: string): Promise<string[]> {
  const host = hostOf(url);
  let status: number;
  let text: string;
  try {
    const response = await fetchFrom(`${url}/${encodeURIComponent(user)}.keys`);
    status = response.status;
    text = await response.text();
  } catch (error) {
    throw new ProtocolError("provider_unavailable", `${host} does not answer. Try again later.`, {
      cause: error,
    });
  }
  if (status === 404) {
    throw new ProtocolError("not_found", `There is no user ${user} at ${host}.`, { field: "user" });
  }
  // Redirects are not followed: they could lead anywhere.
  if (status !== 200) {
    throw new ProtocolError(
      "provider_unavailable",
      `${host} answered with status ${status}. Try again later.`,
    );
  }
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(0, MAX_KEYS);
}
