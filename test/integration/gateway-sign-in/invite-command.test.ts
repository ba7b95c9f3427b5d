// `sallyport gateway invite` on the server: links that the running gateway takes, without asking it.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { command } from "../../../gateway/program/command.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { SoftPasskey } from "../../support/soft-passkey.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";
import { browserAt, passkeyGateway } from "./browser-requests.ts";

async function invite(dataDir: string, ...args: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdout.setEncoding("utf8");
  stderr.setEncoding("utf8");
  const { signal } = new AbortController();
  const context = { env: { SALLYPORT_DATA: dataDir }, stdin, stdout, stderr, signal };
  const code = await command.run(["invite", ...args], context);
  return { code, out: String(stdout.read() ?? ""), said: String(stderr.read() ?? "") };
}

test("a new name gets an invitation, and a name that exists a link that signs in", async () => {
  const gateway = await passkeyGateway();
  const invited = await invite(gateway.dataDir, "ana", "--admin", "--expires", "2h", "--json");
  expect(invited).toMatchObject({ code: 0, said: "" });
  const made = JSON.parse(invited.out);
  expect(made).toMatchObject({ name: "ana", kind: "account", admin: true });
  expect(made.link).toMatch(new RegExp(`^${gateway.origin}/welcome#spc_`));
  expect(Date.parse(made.expiresAt) - Date.now()).toBeGreaterThan(7_100_000);
  const browser = browserAt(gateway);
  const code = made.link.split("#")[1];
  const opened = await browser.post("/invitations/open", { code });
  expect(opened.body).toMatchObject({ name: "ana", admin: true, createdBy: "the server's command line" });
  const { body } = await browser.post("/invitations/accept/options", {});
  const response = new SoftPasskey().create(body.options, { origin: gateway.origin });
  const accepted = await browser.post("/invitations/accept", { response, title: "key" });
  expect(accepted.body.account).toMatchObject({ name: "ana", admin: true });

  const exists = await invite(gateway.dataDir, "ana");
  expect(exists).toMatchObject({ code: 1, out: "" });
  expect(exists.said).toMatch(/^sallyport: file: There is an account ana already: --sign-in /);
  const signIn = await invite(gateway.dataDir, "admin", "--sign-in");
  expect(signIn.out).toMatch(/^This link signs a browser in as admin\. It works once, until .*:\nhttp/);
  const link = signIn.out.trim().split("#")[1];
  const entered = await browserAt(gateway).post("/session/link", { code: link });
  expect(entered.body).toMatchObject({ account: { name: "admin", admin: true }, method: "link" });
  expect(entered.body.scopes).toContain("admin");
  const nobody = await invite(gateway.dataDir, "bo", "--sign-in");
  expect(nobody).toMatchObject({ code: 1, out: "" });
  const audit = await gateway.call("GET", "/audit", gateway.admin);
  expect(audit.body).toContainEqual(
    expect.objectContaining({ event: "invitation.created", account: "the server's command line" }),
  );
});

test("the address is what the gateway wrote at its start, or --public-url", async () => {
  const gateway = await passkeyGateway();
  const noted = join(gateway.dataDir, "public-url");
  expect(readFileSync(noted, "utf8")).toBe(`${gateway.origin}\n`);
  const other = await invite(gateway.dataDir, "ana", "--public-url", "https://gw.example/sub");
  expect(other.out).toContain("\nhttps://gw.example/sub/welcome#spc_");
  rmSync(noted);
  const unknown = await invite(gateway.dataDir, "bo");
  expect(unknown).toMatchObject({ code: 1, out: "" });
  expect(unknown.said).toContain("--public-url");
});

test("a link that no browser could use is not made", async () => {
  const plain = await testGateway({ publicUrl: parseGatewayUrl("http://gateway.example") });
  expect(await invite(plain.dataDir, "admin", "--sign-in")).toMatchObject({ code: 1, out: "" });
  const numbers = await testGateway();
  const account = await invite(numbers.dataDir, "ana");
  expect(account).toMatchObject({ code: 1, out: "" });
  expect(account.said).toContain("http://localhost:PORT");
  // A passkey needs a name, a session does not.
  expect(await invite(numbers.dataDir, "admin", "--sign-in")).toMatchObject({ code: 0 });
  expect((await numbers.call("GET", "/invitations", numbers.admin)).body).toHaveLength(1);
});

test.each([
  [["ana", "--expires", "8d"]],
  [["ana", "--expires", "30s"]],
  [["ana", "--admin", "--sign-in"]],
  [["Ana"]],
  [[]],
])("gateway invite %j is wrong usage", async (args) => {
  await expect(invite(temporaryDirectory(), ...args)).rejects.toMatchObject({
    name: expect.stringMatching(/UsageError|ProtocolError/),
  });
});
