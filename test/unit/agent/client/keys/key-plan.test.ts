import { describe, expect, test } from "vitest";
import { expandPath, type PathFacts } from "../../../../../agent/client/keys/expand-path.ts";
import { orderCandidates } from "../../../../../agent/client/keys/key-candidates.ts";
import type { KeyFile } from "../../../../../agent/client/keys/key-file.ts";
import { planKey } from "../../../../../agent/client/keys/key-plan.ts";
import { type AgentAddress, agentAddress } from "../../../../../agent/client/ssh-agent/agent-address.ts";
import { encode } from "../../../../../protocol/ssh/wire.ts";
import { parsePublicKey, type SshPublicKey } from "../../../../../protocol/values/ssh-public-key.ts";

function key(seed: number, comment = `key${seed}`): SshPublicKey {
  const blob = encode("ssh-ed25519", Buffer.alloc(32, seed)).toString("base64");
  return parsePublicKey(`ssh-ed25519 ${blob} ${comment}`);
}
const file = (seed: number, extra: Partial<KeyFile> = {}): KeyFile => ({
  path: `/home/me/.ssh/k${seed}`,
  key: key(seed),
  privateHalf: "plain",
  looseMode: false,
  ...extra,
});
const offered = (files: KeyFile[], agent: SshPublicKey[], identitiesOnly = false) =>
  orderCandidates({ files, agent, certificates: [], identitiesOnly, home: "/home/me" });
const comments = (candidates: ReturnType<typeof offered>) => candidates.map((one) => one.key.comment);

const facts = (extra: Partial<PathFacts> = {}): PathFacts => ({
  platform: "linux",
  env: {},
  home: "/home/me",
  alias: "ws.gw",
  hostName: "gw.example",
  port: "22",
  remoteUser: "ada",
  localUser: "me",
  localHost: "laptop.lan",
  ...extra,
});
const DEFAULT_AGENT: AgentAddress = { kind: "socket", path: "/run/agent", configured: undefined };

describe("the order of keys", () => {
  test("is ssh's: in files and agent, in the agent alone, in files alone", () => {
    const candidates = offered([file(1), file(2), file(3)], [key(9), key(3), key(2)]);
    expect(comments(candidates)).toEqual(["key3", "key2", "key9", "key1"]);
  });

  test("leaves keys of the agent alone out under IdentitiesOnly", () => {
    expect(comments(offered([file(1), file(2)], [key(9), key(2)], true))).toEqual(["key2", "key1"]);
  });

  test("has a key once that several files or identities name", () => {
    const again = { ...file(1), path: "/elsewhere" };
    const candidates = offered([file(1), again], [key(4), key(4)]);
    expect(comments(candidates)).toEqual(["key4", "key1"]);
    expect(candidates[1]?.file).toBe("/home/me/.ssh/k1");
  });
});

describe("a candidate", () => {
  test("is described by type, comment, fingerprint and place", () => {
    const [both, locked] = offered([file(1), file(2, { privateHalf: "encrypted" })], [key(1)]);
    expect(both?.label).toBe(`ED25519 · key1 · ${key(1).fingerprint} · ~/.ssh/k1 and SSH agent`);
    expect(locked?.label).toBe(
      `ED25519 · key2 · ${key(2).fingerprint} · ~/.ssh/k2 · asks for its passphrase`,
    );
  });

  test("cannot be used when its private half is nowhere or open to others, unless the agent has it", () => {
    const files = [file(1, { privateHalf: "absent" }), file(2, { looseMode: true })];
    expect(offered(files, []).map(({ problem }) => problem)).toEqual([
      expect.stringContaining("private key is missing"),
      expect.stringContaining("chmod 600 /home/me/.ssh/k2"),
    ]);
    expect(offered(files, [key(1), key(2)]).map(({ problem }) => problem)).toEqual([undefined, undefined]);
  });
});

describe("the plan", () => {
  const plan = (
    files: KeyFile[],
    agentKeys: SshPublicKey[],
    registered: SshPublicKey[],
    agent = DEFAULT_AGENT,
  ) =>
    planKey({
      candidates: offered(files, agentKeys),
      registered: new Set(registered.map(({ fingerprint }) => fingerprint)),
      agent,
      directory: "/home/me/.ssh/sallyport",
      platform: "linux",
    });

  test("pins the first registered key in ssh's order by its file", () => {
    const found = plan([file(1), file(2), file(3)], [key(3)], [key(3), key(2)]);
    expect(found).toMatchObject({
      kind: "matched",
      pin: { identityFile: "/home/me/.ssh/k3", identitiesOnly: true, publicKeyFile: undefined },
    });
  });

  test("pins a key of the agent alone by a public key file of ours", () => {
    const found = plan([], [key(5, "on 1Password")], [key(5)]);
    expect(found).toMatchObject({ kind: "matched" });
    if (found.kind !== "matched") return;
    expect(found.pin.identityFile).toMatch(/^\/home\/me\/\.ssh\/sallyport\/agent-[0-9a-f]{16}\.pub$/);
    expect(found.pin.publicKeyFile).toEqual({
      path: found.pin.identityFile,
      content: `ssh-ed25519 ${key(5).blob} on 1Password\n`,
    });
    expect(found.pin.identityAgent).toBeUndefined();
  });

  test("names the agent where the configuration chose it, a variable as a variable", () => {
    const agentOf = (configured: string, path: string) => {
      const found = plan([], [key(5)], [key(5)], { kind: "socket", path, configured });
      return found.kind === "matched" ? found.pin.identityAgent : "no match";
    };
    expect(agentOf("~/.1password/agent.sock", "/home/me/.1password/agent.sock")).toBe(
      "/home/me/.1password/agent.sock",
    );
    expect(agentOf("$OTHER_SOCK", "/run/other")).toBe("$OTHER_SOCK");
    expect(agentOf("SSH_AUTH_SOCK", "/run/x")).toBe("SSH_AUTH_SOCK");
  });

  test("passes over a registered key that ssh cannot use, and shows all candidates when none is left", () => {
    const loose = file(1, { looseMode: true });
    expect(plan([loose, file(2)], [], [key(1), key(2)])).toMatchObject({
      pin: { identityFile: "/home/me/.ssh/k2" },
    });
    const none = plan([loose, file(2)], [], [key(1)]);
    expect(none.kind === "none" && comments([...none.candidates])).toEqual(["key1", "key2"]);
  });
});

describe("a path of the configuration", () => {
  test("is expanded as ssh does", () => {
    const at = (path: string, extra: Partial<PathFacts> = {}) => expandPath(path, facts(extra));
    expect(at("~/.ssh/id_rsa")).toBe("/home/me/.ssh/id_rsa");
    expect(at("%d/keys/%r@%h:%p-%n-%u-%L-100%%")).toBe(
      "/home/me/keys/ada@gw.example:22-ws.gw-me-laptop-100%",
    );
    expect(at(`$${"{KEYS}"}/a b`, { env: { KEYS: "/k" } })).toBe("/k/a b");
    expect(at("relative")).toBe("/home/me/relative");
  });

  test("is unknown where only ssh could tell", () => {
    expect(expandPath("~other/.ssh/id", facts())).toBeUndefined();
    expect(expandPath("/run/%C", facts())).toBeUndefined();
    expect(expandPath(`$${"{UNSET}"}/x`, facts())).toBeUndefined();
  });

  test("keeps to Windows' rules there", () => {
    const windows = facts({ platform: "win32", home: "C:\\Users\\me" });
    expect(expandPath("~/.ssh/id_ed25519", windows)).toBe("C:\\Users\\me\\.ssh\\id_ed25519");
    expect(expandPath("D:/keys/k", windows)).toBe("D:/keys/k");
  });
});

describe("the agent's address", () => {
  const env = { SSH_AUTH_SOCK: "/run/default", MINE: "/run/mine" };
  const at = (value: string | undefined, extra: Partial<PathFacts> = {}) =>
    agentAddress(value, facts({ env, ...extra }));

  test.each([
    [undefined, { path: "/run/default", configured: undefined }],
    ["SSH_AUTH_SOCK", { path: "/run/default", configured: "SSH_AUTH_SOCK" }],
    ["$MINE", { path: "/run/mine", configured: "$MINE" }],
    ["~/a b/agent.sock", { path: "/home/me/a b/agent.sock", configured: "~/a b/agent.sock" }],
  ])("is where IdentityAgent %s says", (value, address) => {
    expect(at(value)).toEqual({ kind: "socket", ...address });
  });

  test("is none where there is none, or a variable that is not set", () => {
    expect(at("none")).toEqual({ kind: "none" });
    expect(at("$UNSET")).toEqual({ kind: "none" });
    expect(at(undefined, { env: {} })).toEqual({ kind: "none" });
  });

  test("is the system's pipe on Windows, or a configured one", () => {
    const windows = { platform: "win32", env: {}, home: "C:\\Users\\me" } as const;
    expect(at(undefined, windows)).toEqual({
      kind: "socket",
      path: "\\\\.\\pipe\\openssh-ssh-agent",
      configured: undefined,
    });
    expect(at("//./pipe/op-agent", windows)).toMatchObject({ path: "\\\\.\\pipe\\op-agent" });
    expect(at("none", windows)).toEqual({ kind: "none" });
  });
});
