import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { parseConnectUrl } from "../../../protocol/connect-url.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { parseAccessToken } from "../../../protocol/values/token.ts";
import { CLI } from "../../../scripts/repository.ts";
import { Person } from "../../support/cli.ts";
import { TestStack } from "../../support/link.ts";

let stack: TestStack;
let person: Person;

beforeAll(async () => {
  stack = await TestStack.start(["--open"]);
  person = new Person();
});
afterAll(async () => {
  person.close();
  await stack.close();
});

function makeKey(name: string): string {
  const path = join(person.home, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path]);
  return path;
}

describe("sallyport host", () => {
  test("says at once that its token file is missing, and does not go on without it", async () => {
    const file = join(person.home, "missing");
    const { code, stderr } = await person.run(["host", "--gateway", stack.url, "--token-file", file]);
    expect(code).toBe(1);
    expect(stderr).toBe(`sallyport: file: the token file ${file} cannot be read (ENOENT)\n`);
  });

  test("says first how to connect, with links that an editor opens, and one that pins its key", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const flags = [
      "--gateway",
      stack.url,
      "--name",
      "dev",
      "--cwd",
      person.home,
      "--browser-url",
      "http://dev.example",
    ];
    const host = person.start(["host", "--json", ...flags], {
      SALLYPORT_TOKEN: token,
      SALLYPORT_GATEWAY: stack.url,
    });
    await host.seen('"event":"ready"');
    const [shown] = await gatewayApi(stack.url, { token: parseAccessToken(token) }).workspaces();
    expect(shown).toMatchObject({ name: "dev", folder: person.home, browserUrl: "http://dev.example/" });
    host.child.kill("SIGTERM");
    const { links, fingerprint } = JSON.parse((await host.finished).stdout.split("\n", 1)[0] ?? "");
    const [plain, pinned] = [links.connect, links.pinned].map((link: string) => {
      const { pathname, search } = new URL(link);
      return parseConnectUrl(pathname, search.slice(1));
    });
    expect(plain).toEqual({
      gateway: stack.url,
      workspace: { kind: "id", id: shown?.id },
      hostKey: undefined,
    });
    expect(pinned).toMatchObject({ ...plain, hostKey: { fingerprint } });
    const published = shown?.hostKeys.map((line) => parsePublicKey(line));
    expect(published?.[0]?.fingerprint).toBe(fingerprint);
    expect(published?.map(({ type }) => type)).toEqual(["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]);
  });

  test("without an account lets in no key that the gateway pushes, only those of its own files", async () => {
    const [own, pushed] = [makeKey("own"), makeKey("pushed")];
    const allowed = join(person.home, "allowed");
    writeFileSync(allowed, readFileSync(`${own}.pub`), { mode: 0o600 });
    vi.spyOn(stack.gateway.store, "pushedKeys").mockResolvedValue([
      { publicKey: readFileSync(`${pushed}.pub`, "utf8").trim(), account: "ann" as never },
    ]);
    const host = person.start(["host", "--gateway", stack.url, "--authorized-keys", allowed, "--json"]);
    await host.seen('"event":"ready"');
    const [link] = stack.gateway.registry.all();
    if (link === undefined) throw new Error("no host is online");
    const knownHosts = join(person.home, "known");
    writeFileSync(knownHosts, `workspace ${link.hostKeys[0]}\n`);
    const signIn = async (key: string): Promise<number | null> => {
      const options = {
        ProxyCommand: `${process.execPath} ${CLI} tunnel ${stack.url} ${link.workspaceId}`,
        UserKnownHostsFile: knownHosts,
        HostKeyAlias: "workspace",
        IdentitiesOnly: "yes",
        BatchMode: "yes",
      };
      const set = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
      const child = spawn("ssh", ["-F", "none", ...set, "-i", key, "workspace", "true"], { env: person.env });
      return await new Promise((resolve) => child.on("close", resolve));
    };
    expect(await signIn(own)).toBe(0);
    expect(await signIn(pushed)).toBe(255);
    host.child.kill("SIGTERM");
    expect((await host.finished).code).toBe(0);
    vi.restoreAllMocks();
  });
});
