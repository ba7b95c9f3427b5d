import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CommandError } from "../../../../../agent/platform/command-error.ts";
import { ownerTokenFromEnvironment } from "../../../../../agent/platform/credentials/environment.ts";
import { readGateways } from "../../../../../agent/platform/credentials/gateways.ts";
import type { Keychain } from "../../../../../agent/platform/credentials/keychain.ts";
import {
  forgetAccessToken,
  listGateways,
  readAccessToken,
  requireAccessToken,
  resolveGateway,
  saveAccessToken,
} from "../../../../../agent/platform/credentials/store.ts";
import { tokenFile } from "../../../../../agent/platform/credentials/token-file.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../../../protocol/values/name.ts";
import { newAccessToken, newOwnerToken } from "../../../../../protocol/values/token.ts";

const gateway = parseGatewayUrl("https://gw.example");
const other = parseGatewayUrl("https://gw.example/other");
const facts = { account: parseName("ada"), allowPlainHttp: false };

let home: string;
let env: Record<string, string>;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-test-"));
  env = { HOME: home, SALLYPORT_KEYCHAIN: "off" };
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

/** A keychain in memory; every question to it is counted. */
function memoryKeychain(): Keychain & { readonly entries: Map<string, string>; questions: number } {
  const entries = new Map<string, string>();
  const keychain = {
    entries,
    questions: 0,
    get: async (account: string) => {
      keychain.questions++;
      return entries.get(account);
    },
    set: async (account: string, secret: string) => {
      keychain.questions++;
      entries.set(account, secret);
    },
    delete: async (account: string) => {
      keychain.questions++;
      entries.delete(account);
    },
  };
  return keychain;
}

const brokenKeychain: Keychain = {
  get: () =>
    Promise.reject(new CommandError("keychain", "keychain_timeout", "The keychain cannot be used: slow.")),
  set: () =>
    Promise.reject(new CommandError("keychain", "keychain_timeout", "The keychain cannot be used: slow.")),
  delete: () =>
    Promise.reject(new CommandError("keychain", "keychain_timeout", "The keychain cannot be used: slow.")),
};

describe("an access token", () => {
  test("is found again where it was saved, for its own gateway only", async () => {
    const [token, second] = [newAccessToken(), newAccessToken()];
    await saveAccessToken(gateway, token, facts, { env });
    await saveAccessToken(other, second, facts, { env });
    expect(await readAccessToken(gateway, { env })).toEqual({ token, source: "file" });
    expect(await readAccessToken(other, { env })).toEqual({ token: second, source: "file" });
    expect(await readAccessToken(parseGatewayUrl("https://else.example"), { env })).toBeUndefined();
  });

  test("goes into the keychain and into no file", async () => {
    const { SALLYPORT_KEYCHAIN: _, ...desktop } = env;
    const keychain = memoryKeychain();
    const token = newAccessToken();
    expect(await saveAccessToken(gateway, token, facts, { env: desktop, keychain })).toEqual({
      tokenIn: "keychain",
    });
    expect(await readAccessToken(gateway, { env: desktop, keychain })).toEqual({ token, source: "keychain" });
    expect(readFileSync(join(home, ".config/sallyport/gateways.json"), "utf8")).not.toContain(token);
    expect(() => statSync(tokenFile(gateway, desktop))).toThrow(/ENOENT/);
  });

  test("that a locked keychain does not give is told as that, and not as not being signed in", async () => {
    const { SALLYPORT_KEYCHAIN: _, ...desktop } = env;
    const keychain = memoryKeychain();
    await saveAccessToken(gateway, newAccessToken(), facts, { env: desktop, keychain });
    // libsecret gives nothing for what lies in a locked collection.
    await keychain.delete(gateway);
    const reading = requireAccessToken(gateway, { env: desktop, keychain });
    await expect(reading).rejects.toMatchObject({ stage: "keychain", code: "keychain_no_entry" });
    await expect(reading).rejects.toThrow(/signed in at .* unlock it/);
  });

  test("goes into a 0600 file where the keychain does not work, and the reason is told", async () => {
    const { SALLYPORT_KEYCHAIN: _, ...desktop } = env;
    const saved = await saveAccessToken(gateway, newAccessToken(), facts, {
      env: desktop,
      keychain: brokenKeychain,
    });
    expect(saved).toMatchObject({ tokenIn: "file", why: "The keychain cannot be used: slow" });
    expect(statSync(tokenFile(gateway, desktop)).mode & 0o777).toBe(0o600);
  });

  test("that is in a file is read without asking the keychain", async () => {
    await saveAccessToken(gateway, newAccessToken(), facts, { env });
    const keychain = memoryKeychain();
    expect((await readAccessToken(gateway, { env, keychain }))?.source).toBe("file");
    expect(keychain.questions).toBe(0);
  });

  test("in a file that others can read is refused, with the chmod to run", async () => {
    await saveAccessToken(gateway, newAccessToken(), facts, { env });
    const path = tokenFile(gateway, env);
    chmodSync(path, 0o644);
    await expect(readAccessToken(gateway, { env })).rejects.toThrow(`chmod 600 ${path}`);
  });

  test("of the environment wins, from the variable before the file", async () => {
    await saveAccessToken(gateway, newAccessToken(), facts, { env });
    const [token, inFile] = [newAccessToken(), newAccessToken()];
    const path = join(home, "token");
    writeFileSync(path, `${inFile}\n`);
    const fromFile = { env: { ...env, SALLYPORT_TOKEN_FILE: path, SALLYPORT_GATEWAY: gateway } };
    expect(await readAccessToken(gateway, fromFile)).toEqual({ token: inFile, source: "environment" });
    const both = { env: { ...fromFile.env, SALLYPORT_TOKEN: token } };
    expect(await readAccessToken(gateway, both)).toEqual({ token, source: "environment" });
  });

  test("from the environment is sent to no gateway but SALLYPORT_GATEWAY", async () => {
    const bound = { ...env, SALLYPORT_TOKEN: newAccessToken(), SALLYPORT_GATEWAY: gateway };
    expect((await readAccessToken(gateway, { env: bound }))?.source).toBe("environment");
    expect(await readAccessToken(other, { env: bound })).toBeUndefined();
  });

  test("of the environment is shown to the default gateway alone where SALLYPORT_GATEWAY is not set", async () => {
    const unbound = { ...env, SALLYPORT_TOKEN: newAccessToken() };
    const refused = { stage: "sign-in", code: "token_without_gateway" };
    for (const given of [unbound, { ...env, SALLYPORT_TOKEN_FILE: join(home, "not-read") }]) {
      await expect(readAccessToken(gateway, { env: given })).rejects.toMatchObject(refused);
      await expect(readAccessToken(gateway, { env: given })).rejects.toThrow(`SALLYPORT_GATEWAY=${gateway}`);
    }
    await saveAccessToken(gateway, newAccessToken(), facts, { env });
    const kept = newAccessToken();
    await saveAccessToken(other, kept, facts, { env });
    expect(await readAccessToken(gateway, { env: unbound })).toMatchObject({ source: "environment" });
    expect(await readAccessToken(other, { env: unbound })).toEqual({ token: kept, source: "file" });
  });

  test("of one workspace's owner follows the same rule", async () => {
    const token = newOwnerToken();
    const unbound = { ...env, SALLYPORT_TOKEN: token };
    expect(() => ownerTokenFromEnvironment(gateway, unbound)).toThrow(
      expect.objectContaining({ code: "token_without_gateway" }),
    );
    const bound = { ...unbound, SALLYPORT_GATEWAY: gateway };
    expect(ownerTokenFromEnvironment(gateway, bound)).toBe(token);
    expect(ownerTokenFromEnvironment(other, bound)).toBeUndefined();
    await saveAccessToken(gateway, newAccessToken(), facts, { env });
    expect(ownerTokenFromEnvironment(gateway, unbound)).toBe(token);
    expect(ownerTokenFromEnvironment(gateway, { ...env, SALLYPORT_TOKEN: newAccessToken() })).toBeUndefined();
  });

  test.each([newOwnerToken(), "spt_short", "x"])(
    "of the environment that is none is refused (%#)",
    async (text) => {
      await expect(
        readAccessToken(gateway, { env: { ...env, SALLYPORT_TOKEN: text, SALLYPORT_GATEWAY: gateway } }),
      ).rejects.toMatchObject({
        stage: "sign-in",
        code: "bad_token",
        message: expect.not.stringContaining(text.slice(0, 10)),
      });
    },
  );

  test("does not go over plain http to another machine, unless that was allowed", async () => {
    const plain = parseGatewayUrl("http://gw.example");
    const given = { ...env, SALLYPORT_TOKEN: newAccessToken(), SALLYPORT_GATEWAY: plain };
    await expect(readAccessToken(plain, { env: given })).rejects.toMatchObject({ code: "plain_http" });
    const allowed = { ...given, SALLYPORT_ALLOW_PLAIN_HTTP: "1" };
    expect((await readAccessToken(plain, { env: allowed }))?.source).toBe("environment");
    await saveAccessToken(plain, newAccessToken(), { ...facts, allowPlainHttp: true }, { env });
    expect((await readAccessToken(plain, { env }))?.source).toBe("file");
    const local = parseGatewayUrl("http://127.0.0.1:8080");
    expect((await readAccessToken(local, { env: { ...given, SALLYPORT_GATEWAY: local } }))?.source).toBe(
      "environment",
    );
  });

  test("is gone after signing out, and its absence names the command to run", async () => {
    await saveAccessToken(gateway, newAccessToken(), facts, { env });
    expect(await forgetAccessToken(gateway, { env })).toBe(true);
    expect(await forgetAccessToken(gateway, { env })).toBe(false);
    expect(() => statSync(tokenFile(gateway, env))).toThrow(/ENOENT/);
    await expect(requireAccessToken(gateway, { env })).rejects.toThrow("sallyport login https://gw.example");
  });

  test("leaves the keychain too, and a keychain that does not answer is told", async () => {
    const { SALLYPORT_KEYCHAIN: _, ...desktop } = env;
    const keychain = memoryKeychain();
    await saveAccessToken(gateway, newAccessToken(), facts, { env: desktop, keychain });
    await forgetAccessToken(gateway, { env: desktop, keychain });
    expect(keychain.entries.size).toBe(0);
    await saveAccessToken(gateway, newAccessToken(), facts, { env: desktop, keychain });
    const forgetting = forgetAccessToken(gateway, { env: desktop, keychain: brokenKeychain });
    await expect(forgetting).rejects.toMatchObject({ stage: "keychain" });
    expect(listGateways(desktop)).toEqual([]);
  });

  test("of many sign-ins at once is lost for none", async () => {
    const gateways = Array.from({ length: 8 }, (_, index) => parseGatewayUrl(`https://g${index}.example`));
    await Promise.all(gateways.map((url) => saveAccessToken(url, newAccessToken(), facts, { env })));
    expect(
      listGateways(env)
        .map(({ url }) => url)
        .toSorted(),
    ).toEqual(gateways);
  });
});

describe("the gateway that a command means", () => {
  test("is the argument, then SALLYPORT_GATEWAY, then the default one", async () => {
    await saveAccessToken(gateway, newAccessToken(), facts, { env });
    await saveAccessToken(other, newAccessToken(), facts, { env });
    expect(readGateways(env).default).toBe(gateway);
    expect(resolveGateway(undefined, env)).toBe(gateway);
    expect(resolveGateway(undefined, { ...env, SALLYPORT_GATEWAY: "https://e.example/" })).toBe(
      "https://e.example",
    );
    expect(resolveGateway("https://a.example", { ...env, SALLYPORT_GATEWAY: "https://e.example" })).toBe(
      "https://a.example",
    );
  });

  test("is asked for where nothing says it", () => {
    expect(() => resolveGateway(undefined, env)).toThrow(/sallyport login/);
  });

  test("is not read from a file that Sallyport did not write", async () => {
    await saveAccessToken(gateway, newAccessToken(), facts, { env });
    const path = join(home, ".config/sallyport/gateways.json");
    writeFileSync(path, '{"version":1,"default":"https://evil.example/?x","gateways":[]}');
    expect(() => resolveGateway(undefined, env)).toThrow(path);
  });
});
