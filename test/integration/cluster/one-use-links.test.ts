// One-use links in a gateway of two processes: used once, also if both processes get the link at the same time.

import { afterAll, beforeAll, expect, test } from "vitest";
import { gatewayAt } from "../../support/oauth.ts";
import { type Line, Workers } from "./harness.ts";

const ROUTE = "/api/v1/session/link";

let workers: Workers;
let gateway: ReturnType<typeof gatewayAt>;
beforeAll(async () => {
  workers = await Workers.start("--log-level", "debug");
  gateway = gatewayAt(workers.url);
});
afterAll(() => workers?.close());

test("a link that comes eight times at once, at both processes, signs in once", async () => {
  const lines = (): Line[] => workers.log().filter(({ route }) => route === ROUTE);
  for (let tries = 0; ; tries++) {
    expect(tries, "rounds in which one process took everything").toBeLessThan(20);
    const before = lines().length;
    const answer = await workers.call("POST", "invitations", { kind: "sign-in", name: "admin" });
    const { link } = Object(await answer.json());
    const body = JSON.stringify({ code: String(link).split("#")[1] });
    const headers = { "content-type": "application/json", "sec-fetch-site": "same-origin" };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => gateway.raw("POST", ROUTE, undefined, { body, headers })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refusals = answers.filter(({ status }) => status !== 200);
    expect(new Set(refusals.map(({ body: { code } }) => code))).toEqual(new Set(["token_revoked"]));
    const taken = lines().slice(before);
    if (new Set(taken.map(({ worker }) => worker)).size === 2) return;
  }
});
