// Answers of the API that a test chooses, in front of those of the gateway: for states of a page that are rare or far away.

import type { Page } from "playwright-core";

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message?: string;
  readonly field?: string;
}
export interface Asked {
  readonly call: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the page sent is compared by the test
  readonly body: any;
}

const isRefusal = (answer: unknown): answer is Refusal =>
  typeof answer === "object" && answer !== null && "status" in answer && "code" in answer;

/**
 * @param answers by call below /api/v1, such as `POST /session/token`: the body of the answer, or a refusal; undefined is 204.
 *   A function gets what was sent
 * @returns what the page asked for, of these calls, in order
 */
export async function fakeApi(
  page: Page,
  answers: Readonly<Record<string, unknown | ((body: unknown) => unknown)>>,
): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  await page.route("**/api/v1/**", async (route) => {
    const request = route.request();
    const path = new URL(request.url()).pathname.replace(/^.*?\/api\/v1/, "");
    const call = `${request.method()} ${path}`;
    if (!(call in answers)) return await route.fallback();
    const body: unknown = request.postDataJSON();
    asked.push({ call, body });
    const given = answers[call];
    const answer: unknown = typeof given === "function" ? given(body) : given;
    if (answer === undefined) return await route.fulfill({ status: 204 });
    if (!isRefusal(answer)) return await route.fulfill({ json: answer });
    const { status, ...refusal } = answer;
    return await route.fulfill({ status, json: { message: "The gateway refuses.", ...refusal } });
  });
  return asked;
}

/** The answer of GET /session. */
export function sessionOf(name: string, scopes: readonly string[] = ["connect", "account", "host"]) {
  const now = Date.now();
  const at = (seconds: number) => new Date(now + seconds * 1_000).toISOString();
  return {
    account: {
      id: "acc_aaaaaaaaaaaaaaaaaaaaaaaaaa",
      name,
      admin: scopes.includes("admin"),
      disabled: false,
      createdAt: at(-86_400),
    },
    signInId: "tok_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    scopes,
    method: "passkey",
    provider: null,
    authenticatedAt: at(-60),
    freshUntil: at(540),
    expiresAt: at(86_400),
  };
}
