// The file of --identity: what is wrong with it is said with the field's name, and secrets come from guarded files only.

import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadProviders } from "../../../../../gateway/identity/providers/settings/load.ts";
import { parseSettings } from "../../../../../gateway/identity/providers/settings/settings.ts";
import { parseGatewayOptions } from "../../../../support/gateway-options.ts";
import { temporaryDirectory } from "../../../../support/test-gateway.ts";

const OIDC = { id: "main", kind: "oidc", issuer: "https://login.example", clientId: "c" };
const GITHUB = { id: "hub", kind: "github", clientId: "c", clientSecretFile: "s", organizations: ["corp"] };
const parse = (entry: unknown) => parseSettings(entry, "providers/0");

describe("an entry", () => {
  test.each([
    [{ ...OIDC, kind: "saml" }, "providers/0/kind must be"],
    [{ ...OIDC, clientId: undefined, id: "x" }, "providers/0/clientId"],
    [{ id: "x", kind: "oidc", issuer: "https://x" }, "providers/0/clientId is missing"],
    [{ ...OIDC, clientSecret: "hunter2" }, "providers/0/clientSecret is not a known field"],
    [{ ...OIDC, issuer: "http://login.example" }, "providers/0/issuer must be an https URL"],
    [{ ...OIDC, issuer: "https://user:pw@login.example" }, "providers/0/issuer must be an https URL"],
    [{ ...OIDC, issuer: "https://login.example/?x=1" }, "providers/0/issuer must be an https URL"],
    [{ ...OIDC, issuer: "https://login.example/.well-known/openid-configuration" }, "without /.well-known/"],
    [{ ...OIDC, issuer: "https://login.microsoftonline.com/common/v2.0" }, "must name one tenant"],
    [{ ...OIDC, signature: "HS256" }, "providers/0/signature does not have the required form"],
    [{ ...OIDC, signature: "none" }, "providers/0/signature"],
    [{ ...OIDC, emailVerifiedMissing: "yes" }, "providers/0/emailVerifiedMissing"],
    [{ ...OIDC, allowDomains: ["corp"] }, "providers/0/allowDomains/0 is not a domain name"],
    [{ ...OIDC, allowDomains: [7] }, "providers/0/allowDomains/0"],
    [{ ...OIDC, scopes: ["email"] }, "providers/0/scopes must contain openid"],
    [{ ...OIDC, parameters: { state: "x" } }, "providers/0/parameters/state is set by the gateway itself"],
    [{ ...OIDC, parameters: { redirect_uri: "https://evil" } }, "providers/0/parameters/redirect_uri"],
    [{ ...OIDC, id: "Main Provider" }, "providers/0/id"],
    [{ ...GITHUB, clientSecretFile: undefined }, "providers/0/clientSecretFile"],
    [{ ...GITHUB, organizations: ["../user"] }, "providers/0/organizations/0"],
    [{ ...GITHUB, issuer: "https://x" }, "providers/0/issuer is not a known field"],
    [{ ...GITHUB, organizations: [] }, "lets everybody in the world sign in"],
    [{ ...OIDC, issuer: "https://accounts.google.com" }, "lets everybody in the world sign in"],
    [null, "providers/0/kind"],
  ])("%j: %s", (entry, message) => {
    expect(() => parse(JSON.parse(JSON.stringify(entry)))).toThrow(message);
  });

  test("has defaults that refuse rather than admit", () => {
    expect(parse(OIDC)).toMatchObject({
      label: "login.example",
      scopes: ["openid", "profile", "email"],
      emailVerifiedMissing: "refuse",
      signature: "RS256",
      scim: false,
    });
    expect(parse({ ...OIDC, allowDomains: ["Bücher.example", "@corp.example"] })).toMatchObject({
      allowDomains: ["xn--bcher-kva.example", "corp.example"],
    });
  });

  test("of Google takes the company from the claim that only Google sets", () => {
    const google = { ...OIDC, issuer: "https://accounts.google.com", allowDomains: ["corp.example"] };
    expect(parse(google)).toMatchObject({ domainClaim: "hd" });
  });

  test("of GitHub admits members of its organizations, and knows where the API is", () => {
    expect(parse(GITHUB)).toMatchObject({ allowGroups: ["corp"], apiUrl: "https://api.github.com" });
    expect(parse({ ...GITHUB, baseUrl: "https://github.corp.example" })).toMatchObject({
      issuer: "https://github.corp.example",
      apiUrl: "https://github.corp.example/api/v3",
    });
    expect(parse({ ...GITHUB, baseUrl: "https://corp.ghe.com" })).toMatchObject({
      apiUrl: "https://api.corp.ghe.com",
    });
  });
});

describe("the files", () => {
  const write = (text: string, mode = 0o644): { readonly file: string; readonly folder: string } => {
    const folder = temporaryDirectory();
    const file = join(folder, "identity.json");
    writeFileSync(file, text);
    chmodSync(file, mode);
    return { file, folder };
  };
  const load = (file: string) => loadProviders({ file, provider: null });

  test.each([
    ["{", "is not JSON"],
    ["[]", "providers must be a list"],
    ['{"providers":{}}', "providers must be a list"],
    ['{"providers":[],"more":1}', "more is not a known field"],
    [JSON.stringify({ providers: [OIDC, OIDC] }), "two identity providers with the id main"],
    [
      JSON.stringify({ providers: [OIDC, { ...OIDC, id: "b" }].map((one) => ({ ...one, scim: true })) }),
      "Only one identity provider may have scim",
    ],
  ])("%s: %s", async (text, message) => {
    await expect(load(write(text).file)).rejects.toThrow(message);
  });

  test.skipIf(process.platform === "win32")("must be changeable by their owner only", async () => {
    const { file } = write(JSON.stringify({ providers: [OIDC] }), 0o666);
    await expect(load(file)).rejects.toThrow("can be changed by other users");
  });

  test.skipIf(process.platform === "win32")(
    "with a secret must be readable by their owner only",
    async () => {
      const entry = { ...OIDC, clientSecretFile: "secret" };
      const { file, folder } = write(JSON.stringify({ providers: [entry] }));
      await expect(load(file)).rejects.toThrow("The client secret of the identity provider main");
      const secret = join(folder, "secret");
      writeFileSync(secret, "s3cret\n", { mode: 0o644 });
      await expect(load(file)).rejects.toThrow("is open to other users");
      chmodSync(secret, 0o600);
      expect(await load(file)).toMatchObject([{ secret: "s3cret" }]);
      writeFileSync(secret, "two\nlines\n");
      await expect(load(file)).rejects.toThrow("in one line");
    },
  );
});

describe("the command line", () => {
  const options = (...args: string[]) => parseGatewayOptions(args, {}).options.identity;

  test("describes one provider", async () => {
    const identity = options(
      "--oidc-issuer=https://login.example",
      "--oidc-client-id=c",
      "--oidc-allow-group=staff, Domain Users",
      "--oidc-admin-group=Gateway Admins",
      "--oidc-groups-claim=realm_access.roles",
    );
    expect((await loadProviders(identity))[0]?.settings).toMatchObject({
      id: "oidc",
      allowGroups: ["staff", "Domain Users"],
      adminGroups: ["Gateway Admins"],
      groupsClaim: "realm_access.roles",
    });
  });

  test.each([
    ["--oidc-issuer=http://login.example", "--oidc-issuer must be an https URL"],
    ["--oidc-allow-domain=corp", "--oidc-allow-domain is not a domain name"],
    ["--oidc-scopes=profile", "--oidc-scopes must contain openid"],
  ])("names the option that is wrong: %s", async (wrong, message) => {
    const identity = options("--oidc-issuer=https://login.example", "--oidc-client-id=c", wrong);
    await expect(loadProviders(identity)).rejects.toThrow(message);
  });

  test.each(["domain", "group"])("takes no empty list for no rule: %s", (rule) => {
    const wrong = `--oidc-allow-${rule}=`;
    expect(() => options("--oidc-issuer=https://login.example", "--oidc-client-id=c", wrong)).toThrow(
      `--oidc-allow-${rule} needs a value`,
    );
  });

  test("says what is missing", () => {
    expect(() => options("--oidc-client-id=c")).toThrow(
      "--oidc-client-id means nothing without --oidc-issuer",
    );
    expect(() => options("--oidc-allow-domain=x.example")).toThrow("--oidc-allow-domain means nothing");
    expect(() => options("--oidc-issuer=https://x")).toThrow("--oidc-issuer needs --oidc-client-id");
  });
});
