// What the gateway tells everybody about itself (`/.well-known/sallyport`): its URL, its SSH address and keys, what it can do.

import type { Discovery } from "../protocol/api.ts";
import { ApiError, refusalOf } from "./api.ts";
import { withBase } from "./base.ts";
import { t } from "./words.ts";

let known: Promise<Discovery> | undefined;

/** Asks once for the life of the page. @throws ApiError */
export function discover(): Promise<Discovery> {
  known ??= ask().catch((error: unknown) => {
    known = undefined; // The next call asks again.
    throw error;
  });
  return known;
}

async function ask(): Promise<Discovery> {
  let answer: unknown;
  let status = 0;
  try {
    const response = await fetch(withBase("/.well-known/sallyport"), { cache: "no-cache" });
    status = response.status;
    answer = await response.json();
  } catch {
    if (status !== 0) throw refusalOf(status, undefined);
    throw new ApiError("unreachable", t("The gateway does not answer. Check your connection and try again."));
  }
  if (status !== 200) throw refusalOf(status, answer);
  return answer as Discovery;
}
