// Several processes that renew one sign-in, and processes that die while they do. A refresh token is good once here: the fake
// gateway's grace is zero where nothing else is said, so that using one twice ends the sign-in.

import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeAuthorizationServer } from "../../support/fake-authorization-server.ts";
import { PersonWithBrowser } from "./person.ts";

let server: FakeAuthorizationServer;
let person: PersonWithBrowser;
beforeEach(async () => {
  server = await FakeAuthorizationServer.start();
  person = new PersonWithBrowser();
  expect((await person.run(["login", server.url], "", person.browser())).code).toBe(0);
  server.asked.length = 0;
  server.graceSeconds = 0;
});
afterEach(async () => {
  person.close();
  await server.close();
});

const ROUNDS = 50;

test(`two processes that need a new token at once, ${ROUNDS} times, share one renewal each time`, async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    person.expire();
    const both = await Promise.all([person.list(), person.list()]);
    expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: "" },
      { code: 0, stderr: "" },
    ]);
    expect(server.asked).toHaveLength(round);
  }
  expect(server.signIns.map(({ ended }) => ended)).toEqual([false]);
});

/** Kills the process after the gateway has renewed its tokens and before it gets them. */
async function killInBetween(): Promise<void> {
  person.expire();
  const running = person.start(["list"]);
  server.afterRenewal = async () => {
    server.afterRenewal = () => Promise.resolve();
    running.child.kill("SIGKILL");
    await running.finished;
  };
  expect((await running.finished).signal).toBe("SIGKILL");
}

test("a process that is killed between the answer and the write costs nobody the sign-in, and leaves no lock", async () => {
  server.graceSeconds = 30;
  const before = person.stored();
  await killInBetween();
  expect(person.stored().renewal?.refresh).toBe(before.renewal?.refresh);
  expect(await person.list()).toMatchObject({ code: 0, stderr: "" });
  expect(person.stored().renewal?.refresh).not.toBe(before.renewal?.refresh);
  expect(server.signIns.map(({ ended }) => ended)).toEqual([false]);
});

test("if nobody needed it within the grace after that, the person is told to sign in again", async () => {
  await killInBetween();
  const { code, stderr } = await person.list();
  expect(code).toBe(1);
  expect(stderr).toBe(
    `sallyport: sign-in: Your sign-in at ${server.url} has ended (This refresh token was used twice): run \`sallyport login ${server.url}\`.\n`,
  );
  expect((await person.run(["login", server.url], "", person.browser())).code).toBe(0);
  expect((await person.list()).code).toBe(0);
});

test("a gateway that is away for a moment costs nothing", async () => {
  person.expire();
  server.isDown = true;
  expect((await person.list()).code).toBe(1);
  server.isDown = false;
  expect((await person.list()).code).toBe(0);
});

test("a token that the gateway takes for expired, because a clock is wrong, is renewed and nobody notices", async () => {
  server.expireAccess();
  expect(await person.list()).toMatchObject({ code: 0, stderr: "" });
  expect(server.asked).toEqual(["refresh_token"]);
});
