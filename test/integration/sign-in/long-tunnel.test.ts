// A tunnel and a host that last longer than an access token: each connection that they make later needs a newer one.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RenewableCredential } from "../../../agent/platform/credentials/credential.ts";
import { saveCredential } from "../../../agent/platform/credentials/store.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseTokenId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { newAccessToken, parseAccessToken, parseRefreshToken } from "../../../protocol/values/token.ts";
import { type Site, site } from "../../support/browser/browser.ts";
import { CutProxy } from "../../support/cut-proxy.ts";
import { signBrowserIn, signClientIn } from "../../support/oauth.ts";
import { until } from "../../support/until.ts";
import { PersonWithBrowser } from "./person.ts";

let at: Site;
let token: string;
let proxy: CutProxy;
let gateway: GatewayUrl;
let person: PersonWithBrowser;
beforeEach(async () => {
  at = await site();
  ({ token } = await at.account("ada"));
  proxy = await CutProxy.start(Number(new URL(at.url).port));
  gateway = parseGatewayUrl(proxy.url);
  person = new PersonWithBrowser();
});
afterEach(async () => {
  person.close();
  await proxy.close();
});

/** Signs the command line in, with an access token that is taken for one that lasts so long. */
async function signedInFor(seconds: number): Promise<RenewableCredential> {
  const granted = await signClientIn(at, await signBrowserIn(at, token), { scope: "connect account host" });
  const credential: RenewableCredential = {
    access: parseAccessToken(granted.access_token),
    renewal: {
      accessExpiresAt: new Date(Date.now() + seconds * 1000).toISOString(),
      refresh: parseRefreshToken(granted.refresh_token),
      signIn: parseTokenId(granted.sign_in),
      client: "sallyport-cli",
    },
  };
  const facts = { account: parseName("ada"), allowPlainHttp: false };
  await saveCredential(gateway, credential, facts, { env: person.env });
  return credential;
}

/** The standard output of a process, as it grows. */
function output({ child }: ReturnType<PersonWithBrowser["start"]>): () => string {
  let text = "";
  child.stdout?.setEncoding("latin1").on("data", (part: string) => {
    text += part;
  });
  return () => text;
}

const host = (...args: string[]) => person.start(["host", "--json", "--name", "devbox", "--anyone", ...args]);

test("a tunnel renews the sign-in when it dials again, and ssh's bytes go on", async () => {
  const file = join(person.home, "host-token");
  writeFileSync(file, token, { mode: 0o600 });
  await host("--gateway", at.url, "--token-file", file).seen('"event":"ready"');

  const credential = await signedInFor(65);
  const tunnel = person.start(["tunnel", gateway, "devbox"]);
  const received = output(tunnel);
  await until(() => received().startsWith("SSH-2.0-"));
  // From now on the token that the tunnel began with is too old for a new connection.
  await until(() => Date.parse(credential.renewal.accessExpiresAt) - Date.now() < 60_000);
  proxy.reset();
  const before = received().length;
  tunnel.child.stdin?.write("SSH-2.0-test\r\n");
  await until(() => received().length > before + 100);
  expect(person.stored().renewal?.refresh).not.toBe(credential.renewal.refresh);
  expect(tunnel.child.exitCode).toBeNull();
});

test("a tunnel whose token the gateway does not take, because somebody signed in again or a clock is wrong, gets a newer one", async () => {
  const file = join(person.home, "host-token");
  writeFileSync(file, token, { mode: 0o600 });
  await host("--gateway", at.url, "--token-file", file).seen('"event":"ready"');

  const credential = await signedInFor(3_600);
  const facts = { account: parseName("ada"), allowPlainHttp: false };
  await saveCredential(gateway, { ...credential, access: newAccessToken() }, facts, { env: person.env });
  const received = output(person.start(["tunnel", gateway, "devbox"]));
  await until(() => received().startsWith("SSH-2.0-"));
});

test("a tunnel whose sign-in was ended meanwhile ends, and says why", async () => {
  const file = join(person.home, "host-token");
  writeFileSync(file, token, { mode: 0o600 });
  await host("--gateway", at.url, "--token-file", file).seen('"event":"ready"');

  const { renewal } = await signedInFor(3_600);
  const tunnel = person.start(["tunnel", gateway, "devbox"]);
  const received = output(tunnel);
  await until(() => received().startsWith("SSH-2.0-"));
  expect((await at.call("DELETE", `/tokens/${renewal.signIn}`, token)).status).toBe(204);
  const { code, stderr } = await tunnel.finished;
  expect(code).toBe(1);
  expect(stderr).toBe("sallyport: sign-in: the gateway ended the connection: the token was revoked\n");
});

test("a host registers with the sign-in of the command line, and again with a newer token", async () => {
  await signedInFor(3_600);
  const running = host("--gateway", gateway);
  await running.seen('"event":"ready"');
  const { renewal } = person.stored();
  person.expire();
  proxy.reset();
  await running.seen("the link is up again");
  expect(person.stored().renewal?.refresh).not.toBe(renewal?.refresh);
  expect((await person.list({ SALLYPORT_GATEWAY: gateway })).stdout).toContain("devbox");
});
