import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { join } from "node:path";
import pty from "@lydell/node-pty";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseName } from "../../../protocol/values/name.ts";
import { newAccessToken, parseAccessToken } from "../../../protocol/values/token.ts";
import { CLI } from "../../../scripts/repository.ts";
import { Person } from "../../support/cli.ts";
import { TestStack } from "../../support/link.ts";
import { freePort } from "../../support/loopback.ts";
import { startAgent } from "../../support/ssh/ssh-agent.ts";
import { makeSecurityKey, startAgent as startSecurityKeyAgent } from "../host-ssh/security-key-agent.ts";

let stack: TestStack;
let person: Person;
let token: string;
beforeAll(async () => {
  stack = await TestStack.start();
});
afterAll(async () => {
  await stack.close();
});

let made = 0;
beforeEach(async () => {
  person = new Person();
  const account = await stack.account(`ada-${made++}`);
  token = (await stack.token(account, ["account", "connect", "host"])).token;
});
afterEach(() => {
  person.close();
});

const signIn = () => person.run(["login", stack.url], `${token}\n`);
const tokenFiles = () => readdirSync(join(person.home, ".config/sallyport/tokens"));

/** In a shell that keeps the terminal open: 200 ms after the end of its program, node-pty drops what it has not read. */
const onTerminal = (...args: string[]) =>
  pty.spawn(
    "/bin/sh",
    ["-c", '"$@"; echo "ended with $?"; read -r _', "sh", process.execPath, CLI, ...args],
    {
      env: person.env,
      cols: 200,
    },
  );

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  });
}

/** Passes every request on to the gateway, and its answers back. */
function createProxy(gateway: URL): Server {
  return createServer((from, to) => {
    const { method, headers, url } = from;
    const onward = request(
      { host: gateway.hostname, port: gateway.port, method, path: url, headers },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(to);
      },
    );
    onward.on("error", () => to.destroy());
    from.pipe(onward);
  });
}

async function answering(
  respond: (path: string) => { status: number; headers?: Record<string, string>; body: string },
) {
  const server = createServer((request, response) => {
    const { status, headers, body } = respond(request.url ?? "");
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    server,
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
  };
}

test("what others offer is in no list until it is accepted; it is declined and left by its name, too", async () => {
  const name = parseName(`ada-${made - 1}`);
  const owner = parseName(`owner-${made}`);
  const ownerId = await stack.account(owner);
  const host = await stack.host({
    token: (await stack.token(ownerId, ["host", "connect"])).token,
    name: "devbox",
  });
  const { store } = stack.gateway;
  const found = await store.workspace(host.id);
  if (found?.owner == null) throw new Error("the workspace has no owner");
  const owned = { ...found, owner: found.owner };
  const offer = () => store.shares.add(owned, name, { account: owner });
  await offer();
  await signIn();
  const listed = async () => JSON.parse((await person.run(["list", "--json"])).stdout).workspaces.length;
  const shares = async () => JSON.parse((await person.run(["shares", "--json"])).stdout).shares;
  expect(await listed()).toBe(0);
  expect(await shares()).toMatchObject([{ id: host.id, name: "devbox", owner, pending: true }]);
  expect((await person.run(["shares"])).stdout).toMatch(new RegExp(`^devbox.${owner} +offered `, "m"));

  const word = (action: string) => person.run(["shares", action, `devbox.${owner}`]);
  expect((await word("leave")).stderr).toContain(`sallyport shares decline devbox.${owner}`);
  expect(await word("accept")).toMatchObject({ code: 0, stderr: `Accepted devbox.${owner}.\n` });
  expect(await listed()).toBe(1);
  expect((await word("decline")).stderr).toContain(`sallyport shares leave devbox.${owner}`);
  expect(await word("leave")).toMatchObject({ code: 0, stderr: `Left devbox.${owner}.\n` });
  expect(await listed()).toBe(0);
  await offer();
  expect(await word("decline")).toMatchObject({ code: 0, stderr: `Declined devbox.${owner}.\n` });
  expect(await shares()).toEqual([]);
  expect((await word("accept")).code).toBe(1);
  expect((await person.run(["shares", "steal", "devbox.x"])).code).toBe(2);
});

describe("signing in", () => {
  test("with a token on standard input keeps it in a file of the person's own, and says so", async () => {
    const { code, stdout, stderr } = await signIn();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Signed in at http:\/\/127\.0\.0\.1:\d+ as ada-\d+\.$/m);
    expect(stdout).toMatch(/^Scopes: account, connect, host$/m);
    expect(stderr).toMatch(/kept in .*\/tokens\/.*readable by you only \(SALLYPORT_KEYCHAIN=off\)/);
    const [file = ""] = tokenFiles();
    const path = join(person.home, ".config/sallyport/tokens", file);
    expect(readFileSync(path, "utf8").trim()).toBe(token);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await person.run(["list", "--json"])).stdout).toBe('{"workspaces":[]}\n');
  });

  test("at the prompt does not show the token", async () => {
    const terminal = onTerminal("login", stack.url, "--with-token");
    let screen = "";
    await new Promise<void>((resolve) => {
      terminal.onData((data) => {
        screen += data;
        if (screen.includes("(not shown): ")) resolve();
      });
    });
    // A mistyped letter is taken back.
    terminal.write(`x\u007f${token}\r`);
    await expect.poll(() => screen).toContain("ended with 0");
    expect(screen).toContain("Signed in at");
    expect(screen).not.toContain(token.slice(0, 12));
    terminal.kill();
  });

  test("ends at Ctrl-C in the prompt, with nothing kept", async () => {
    const terminal = pty.spawn(process.execPath, [CLI, "login", stack.url, "--with-token"], {
      env: person.env,
      cols: 200,
    });
    const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    let screen = "";
    terminal.onData((data) => {
      screen += data;
      if (screen.endsWith("(not shown): ")) terminal.write("\u0003");
    });
    expect(await ended).toBe(1);
    expect(() => tokenFiles()).toThrow(/ENOENT/);
  });

  test("takes the token from a file, and from the environment", async () => {
    const file = join(person.home, "token");
    writeFileSync(file, `${token}\n`);
    expect((await person.run(["login", stack.url, "--token-file", file])).code).toBe(0);
    const second = new Person();
    expect(
      (await second.run(["login"], "", { SALLYPORT_TOKEN: token, SALLYPORT_GATEWAY: stack.url })).code,
    ).toBe(0);
    second.close();
  });

  test("says in JSON who it is", async () => {
    const { stdout } = await person.run(["login", stack.url, "--json"], token);
    expect(JSON.parse(stdout)).toMatchObject({ gateway: stack.url, tokenIn: "file", expiresAt: null });
  });

  test("with a token that the gateway does not know keeps nothing", async () => {
    const { code, stderr } = await person.run(["login", stack.url], newAccessToken());
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: sign-in: .*sallyport login/);
    expect(() => tokenFiles()).toThrow(/ENOENT/);
  });

  test.each([
    ["a web page", { status: 200, body: "<html>hello</html>" }, /is not a Sallyport gateway/],
    ["another product", { status: 200, body: '{"product":"other"}' }, /is not a Sallyport gateway/],
    ["nothing of the kind", { status: 404, body: "not found" }, /is not a Sallyport gateway/],
    [
      "a redirect",
      { status: 302, headers: { location: "https://login.example/?x" }, body: "" },
      /redirects to https:\/\/login\.example/,
    ],
  ])("where %s answers says so, before the token is asked for", async (_what, answer, words) => {
    const { server, url } = await answering(() => answer);
    const { code, stderr } = await person.run(["login", url]);
    await closed(server);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: http: /);
    expect(stderr).toMatch(words);
  });

  test("where nothing listens names the stage", async () => {
    const { code, stderr } = await person.run(["login", `http://127.0.0.1:${await freePort()}`]);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^sallyport: tcp: .*ECONNREFUSED/),
    });
  });

  test("over plain http to another machine is refused before anything is sent", async () => {
    const { code, stderr } = await person.run(["login", "http://192.0.2.1"], token);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: sign-in: .*--allow-plain-http/);
  });
});

describe("signing out", () => {
  test("forgets the token, and leaves it valid", async () => {
    await signIn();
    expect((await person.run(["logout"])).stdout).toBe(`Signed out of ${stack.url}.\n`);
    expect(tokenFiles()).toEqual([]);
    expect((await person.run(["list", "--gateway", stack.url])).stderr).toMatch(
      /not signed in at .*sallyport login/,
    );
    await expect(stack.gateway.store.authenticate(token)).resolves.toBeDefined();
  });

  test("with --revoke makes the token worthless", async () => {
    await signIn();
    expect((await person.run(["logout", "--revoke"])).code).toBe(0);
    await expect(stack.gateway.store.authenticate(token)).rejects.toMatchObject({ code: "token_revoked" });
  });

  test("with --revoke also works where the token is worthless already", async () => {
    await signIn();
    const other = new Person();
    await other.run(["login", stack.url], token);
    await other.run(["logout", "--revoke"]);
    other.close();
    expect((await person.run(["logout", "--revoke"])).code).toBe(0);
    expect(tokenFiles()).toEqual([]);
  });
});

describe("tokens", () => {
  test("a new one comes alone on stdout, works, is listed, and does not after it was revoked", async () => {
    await signIn();
    const args = ["token", "create", "--title", "build", "--scope", "host,connect", "--expires", "12h"];
    const { stdout, stderr } = await person.run(args);
    const fresh = parseAccessToken(stdout.trim());
    expect(stderr).not.toContain(fresh);
    expect((await stack.gateway.store.authenticate(fresh)).scopes).toEqual(new Set(["connect", "host"]));
    const listed: unknown = JSON.parse((await person.run(["token", "list", "--json"])).stdout);
    const row =
      (await person.run(["token", "list"])).stdout.split("\n").find((line) => line.includes("build")) ?? "";
    expect(row).toMatch(
      /^tok_\S+ {2}build +(host,connect|connect,host) +in 12h +(just now|\d+s ago) +tok_\S+$/,
    );
    const id = row.split(" ", 1)[0] ?? "";
    expect(listed).toMatchObject({
      tokens: expect.arrayContaining([expect.objectContaining({ id, title: "build" })]),
    });
    expect((await person.run(["token", "revoke", id])).code).toBe(0);
    await expect(stack.gateway.store.authenticate(fresh)).rejects.toMatchObject({ code: "token_revoked" });
  });

  test("are asked for with a title, known scopes and a time", async () => {
    for (const rest of [
      [],
      ["--title", "x"],
      ["--title", "x", "--scope", "root"],
      ["--title", "x", "--scope", "host", "--expires", "soon"],
    ]) {
      expect((await person.run(["token", "create", ...rest])).code).toBe(2);
    }
  });

  test("of the owner's kind open one workspace", async () => {
    await signIn();
    const host = await stack.host({ token, name: "own" });
    const { stdout, stderr } = await person.run(["token", "owner", "own", "--expires", "2h"]);
    expect(stderr).toMatch(/can open own; it expires in 2h/);
    const grant = await stack.gateway.store.authenticateOwnerToken(stdout.trim());
    expect(grant.workspaceId).toBe(host.id);
    expect((await person.run(["token", "owner-list", "own"])).stdout).toContain(grant.tokenId);
    expect((await person.run(["token", "owner-revoke", "own", grant.tokenId])).code).toBe(0);
    await expect(stack.gateway.store.authenticateOwnerToken(stdout.trim())).rejects.toMatchObject({
      code: "token_revoked",
    });
    await host.stop();
  });
});

describe("keys", () => {
  function makeKey(path: string, comment: string): string {
    mkdirSync(join(person.home, ".ssh"), { recursive: true, mode: 0o700 });
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
    return execFileSync("ssh-keygen", ["-lf", path], { encoding: "utf8" }).split(" ")[1] ?? "";
  }

  test("the only key in ~/.ssh is found, added under its comment, listed and removed", async () => {
    await signIn();
    const fingerprint = makeKey(join(person.home, ".ssh", "id_ed25519"), "ada@laptop");
    const added = await person.run(["keys", "add"]);
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`Added ${fingerprint} (ada@laptop)`),
    });
    expect((await person.run(["keys", "list"])).stdout).toMatch(
      /ada@laptop +ssh-ed25519 +SHA256:\S+ +proved/,
    );
    expect((await person.run(["keys", "add"])).stderr).toMatch(/at the gateway already/);
    expect((await person.run(["keys", "remove", fingerprint])).code).toBe(0);
    expect((await person.run(["keys", "list", "--json"])).stdout).toBe('{"keys":[],"pending":[]}\n');
  });

  test("of several keys none is chosen unasked: the files are named, Ed25519 before what its name puts first", async () => {
    await signIn();
    const ecdsa = join(person.home, ".ssh", "id_ecdsa");
    mkdirSync(join(person.home, ".ssh"), { recursive: true, mode: 0o700 });
    execFileSync("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", ecdsa]);
    makeKey(join(person.home, ".ssh", "id_one"), "one");
    makeKey(join(person.home, ".ssh", "id_two"), "two");
    const { code, stderr } = await person.run(["keys", "add"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/id_one\.pub, .*id_two\.pub, .*id_ecdsa\.pub/);
    expect((await person.run(["keys", "list", "--json"])).stdout).toBe('{"keys":[],"pending":[]}\n');
    const named = await person.run([
      "keys",
      "add",
      join(person.home, ".ssh", "id_two.pub"),
      "--title",
      "second",
    ]);
    expect(named.stdout).toContain("(second)");
  });

  test("of several keys one is chosen on a terminal", async () => {
    await signIn();
    makeKey(join(person.home, ".ssh", "id_one"), "one");
    const second = makeKey(join(person.home, ".ssh", "id_two"), "two");
    const terminal = onTerminal("keys", "add");
    let screen = "";
    terminal.onData((data) => {
      screen += data;
      if (screen.endsWith("Which key? [1-2] ")) terminal.write("2\r");
    });
    await expect.poll(() => screen).toContain("ended with 0");
    expect(screen).toContain(`Added ${second}`);
    terminal.kill();
  });

  test("a key with a passphrase is proved on the terminal, where ssh-keygen asks for it", async () => {
    await signIn();
    const file = join(person.home, ".ssh", "id_ed25519");
    makeKey(file, "locked");
    execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "open sesame", "-f", file]);
    const terminal = onTerminal("keys", "add");
    let screen = "";
    terminal.onData((data) => {
      screen += data;
      if (/Enter passphrase.*: $/.test(screen)) terminal.write("open sesame\r");
    });
    await expect.poll(() => screen).toContain("ended with 0");
    expect(screen).toContain(`Proving ${file}.pub`);
    expect(screen).toContain("(locked) as key_");
    expect(screen).not.toContain("sesame");
    terminal.kill();
  });

  test("a key that nothing here signs with waits: how to prove it is told, and it can be proved or removed later", async () => {
    await signIn();
    const file = join(person.home, ".ssh", "id_ed25519");
    const fingerprint = makeKey(file, "away");
    renameSync(file, join(person.home, "elsewhere"));
    const refused = await person.run(["keys", "add"]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^sallyport: ssh: ssh-keygen did not sign.*waits for its proof/);
    const named = await person.run(["keys", "add", `${file}.pub`, "--no-proof"]);
    expect(named).toMatchObject({ code: 0, stderr: "" });
    expect(named.stdout).toContain(`${fingerprint} waits for its proof and opens nothing yet`);
    const listed = await person.run(["keys", "list"]);
    expect(listed.stdout).toMatch(/away +ssh-ed25519 +SHA256:\S+ +waits/);
    expect(listed.stderr).toContain("waits for its proof");
    expect((await person.run(["keys", "remove", fingerprint])).code).toBe(0);
    await person.run(["keys", "add", `${file}.pub`, "--no-proof"]);
    renameSync(join(person.home, "elsewhere"), file);
    expect((await person.run(["keys", "add"])).stdout).toContain(`Added ${fingerprint}`);
    expect((await person.run(["keys", "list"])).stdout).toMatch(/ proved /);
  });

  test("a key that only the agent has is proved through it", async () => {
    await signIn();
    const file = join(person.home, "agents");
    const fingerprint = makeKey(file, "agent's");
    const socket = join(person.home, "agent.sock");
    const agent = await startAgent(socket, file);
    try {
      rmSync(file);
      rmSync(`${file}.pub`);
      const added = await person.run(["keys", "add"], "", { SSH_AUTH_SOCK: socket });
      expect(added.stdout).toContain(`Added ${fingerprint} (agent's)`);
    } finally {
      agent.kill();
    }
  });

  test.each(["ed25519", "ecdsa"] as const)("a security key (%s) is proved by its touch", async (kind) => {
    await signIn();
    const security = makeSecurityKey(kind);
    const socket = join(person.home, "agent.sock");
    const agent = await startSecurityKeyAgent(socket, security);
    try {
      const added = await person.run(["keys", "add"], "", { SSH_AUTH_SOCK: socket });
      expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining("(security key) as key_") });
    } finally {
      agent.stop();
    }
  });

  test("a proof is made for the gateway's own URL only: nobody passes one on to it from a server in between", async () => {
    const server = createProxy(new URL(stack.url));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = server.address();
      const between = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
      await person.run(["login", between], `${token}\n`);
      makeKey(join(person.home, ".ssh", "id_ed25519"), "x");
      const { code, stderr } = await person.run(["keys", "add"]);
      expect(code).toBe(1);
      expect(stderr).toContain(`This gateway's public URL is ${stack.url}, not ${between}`);
      expect((await person.run(["keys", "list"])).stdout).toMatch(/ waits /);
    } finally {
      await closed(server);
    }
  });

  test("a private key is not sent, and its owner is told", async () => {
    await signIn();
    makeKey(join(person.home, ".ssh", "id_ed25519"), "x");
    const { code, stderr } = await person.run(["keys", "add", join(person.home, ".ssh", "id_ed25519")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/PRIVATE key/);
    expect(stderr).not.toMatch(/BEGIN/);
  });

  test("where there is no key at all, says how to make one", async () => {
    await signIn();
    expect((await person.run(["keys", "add"])).stderr).toMatch(/ssh-keygen -t ed25519/);
  });
});

describe("the list of workspaces", () => {
  test("shows who is online, for people and for programs", async () => {
    await signIn();
    const host = await stack.host({ token, name: "web" });
    expect((await person.run(["list"])).stdout).toMatch(
      new RegExp(`^web +online +you +0 +now +${host.id}$`, "m"),
    );
    await host.stop();
    await expect
      .poll(async () => (await person.run(["list"])).stdout)
      .toMatch(/^web +offline +you +0 +(just now|\d+s ago) +ws_/m);
    expect(JSON.parse((await person.run(["list", "--json"])).stdout)).toMatchObject({
      workspaces: [{ id: host.id, name: "web", online: false }],
    });
  });

  test("is followed with --watch until a signal ends it", async () => {
    await signIn();
    const watch = person.start(["list", "--watch", "--json"]);
    await watch.seen('"type":"snapshot"');
    const host = await stack.host({ token, name: "late" });
    await watch.seen('"online":true');
    await host.stop();
    await watch.seen('"online":false');
    watch.child.kill("SIGINT");
    const { code, stdout } = await watch.finished;
    expect(code).toBe(0);
    for (const line of stdout.trim().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  });
});
