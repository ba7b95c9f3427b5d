// What a companion loads at its start, which ssh waits for: a sign-in that is still good costs no more code than a token.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Credential } from "../../../agent/platform/credentials/credential.ts";
import { saveCredential } from "../../../agent/platform/credentials/store.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { newTokenId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { newAccessToken, newRefreshToken } from "../../../protocol/values/token.ts";
import { CLI } from "../../../scripts/repository.ts";
import { Person } from "../../support/cli.ts";
import { freePort } from "../../support/loopback.ts";

let person: Person;
beforeEach(() => {
  person = new Person();
});
afterEach(() => {
  person.close();
});

/** The files of ours that a companion has loaded when it finds that nothing listens. */
async function loadedWith(credential: Credential): Promise<readonly string[]> {
  const gateway = parseGatewayUrl(`http://127.0.0.1:${await freePort()}`);
  const facts = { account: parseName("ada"), allowPlainHttp: false };
  await saveCredential(gateway, credential, facts, { env: person.env });
  const hook = join(person.home, "hook.cjs");
  const out = join(person.home, "loaded.json");
  writeFileSync(
    hook,
    `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(out)}, JSON.stringify(Object.keys(require.cache))));`,
  );
  const args = ["--require", hook, CLI, "tunnel", gateway, "devbox"];
  const running = person.startOther(process.execPath, args);
  running.child.stdin?.end();
  expect((await running.finished).stderr).toContain("ECONNREFUSED");
  const loaded: string[] = JSON.parse(readFileSync(out, "utf8"));
  return loaded.filter((path) => path !== hook).toSorted();
}

function renewable(secondsLeft: number): Credential {
  const accessExpiresAt = new Date(Date.now() + secondsLeft * 1000).toISOString();
  const refresh = newRefreshToken();
  const renewal = { accessExpiresAt, refresh, signIn: newTokenId(), client: "sallyport-cli" } as const;
  return { access: newAccessToken(), renewal };
}

/** A sentence of agent/platform/credentials/renew.ts. */
const renews = (path: string) => readFileSync(path, "utf8").includes("did not renew your sign-in");
const hasSchemas = (path: string) => /typebox/i.test(readFileSync(path, "utf8"));

test("a sign-in that is good for a while is loaded with the same code as a token, and without a schema library", async () => {
  const withToken = await loadedWith({ access: newAccessToken() });
  const withSignIn = await loadedWith(renewable(3_600));
  expect(withSignIn).toEqual(withToken);
  expect(withSignIn.filter((path) => renews(path) || hasSchemas(path))).toEqual([]);
});

test("only one that has to be renewed loads what renews it, and that needs no schema library either", async () => {
  const loaded = await loadedWith(renewable(-1));
  expect(loaded.filter(renews)).toHaveLength(1);
  expect(loaded.filter(hasSchemas)).toEqual([]);
});
