// The commands as a person runs them behind a proxy: flags, variables, and what an editor has handed down.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { networkWithEditor } from "../../../agent/platform/network/configured-network.ts";
import { handDown } from "../../../agent/platform/network/proxy/editor-network.ts";
import { thisMachine } from "../../../agent/platform/paths.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { CLI } from "../../../scripts/repository.ts";
import { Person } from "../../support/cli.ts";
import { TestStack } from "../../support/link.ts";
import { freePort } from "../../support/loopback.ts";
import { Authority } from "./certificates.ts";
import { missing, Programs } from "./programs.ts";

const ADA = { user: "ada", password: "secret-of-ada" };

let programs: Programs;
let stack: TestStack;
let person: Person;
let gateway: string;
let token: string;
let env: Record<string, string>;

beforeAll(async () => {
  programs = new Programs();
  person = new Person();
  const authority = new Authority(programs.directory, "Test Authority");
  const { cert, key } = authority.sign(["gateway.test", "localhost"]);
  stack = await TestStack.start(["--tls-cert", cert, "--tls-key", key]);
  gateway = parseGatewayUrl(`https://gateway.test:${new URL(stack.url).port}`);
  const account = await stack.account("ada");
  token = (await stack.token(account, ["account", "connect", "host"])).token;
  env = { SALLYPORT_CA: authority.file, SALLYPORT_TOKEN: token, SALLYPORT_GATEWAY: gateway };
});

afterAll(async () => {
  person?.close();
  await stack?.close();
  await programs?.close();
});

/** What comes back through `sallyport tunnel` from a host that echoes. */
async function throughTunnel(args: readonly string[], more: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [CLI, "tunnel", ...args, gateway, "dev"], {
    env: { ...person.env, ...env, ...more },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    said += part;
  });
  const ended = once(child, "close");
  child.stdin.write("hello");
  const answer = await Promise.race([once(child.stdout, "data").then(String), ended.then(() => said)]);
  child.stdin.end();
  await ended;
  return answer;
}

test("a variable that switches certificate checks off switches off none, and Node does not warn that it did", async () => {
  const { SALLYPORT_CA: _, ...rest } = env;
  const local = gateway.replace("gateway.test", "localhost");
  const careless = { ...rest, SALLYPORT_GATEWAY: local, NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  const { code, stdout, stderr } = await person.run(["list"], "", careless);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^sallyport: tls: .*\n$/);
  const verified = await person.run(["list"], "", { ...careless, SALLYPORT_CA: env.SALLYPORT_CA ?? "" });
  expect(verified).toMatchObject({ code: 0, stderr: expect.stringMatching(/^No workspaces at .*\n$/) });
});

test("a flag, a variable and an editor's settings each lead the companion and the other commands through the proxy", async ({
  skip,
}) => {
  skip(missing("squid") !== undefined, missing("squid"));
  const way = {
    gateway: parseGatewayUrl(gateway.replace("gateway.test", "localhost")),
    network: networkWithEditor(env, undefined),
  };
  const host = await stack.host({ token, name: "dev", way });
  const open = await programs.squid();
  const guarded = await programs.squid({ auth: ADA });
  const proxy = `http://127.0.0.1:${open.port}`;
  const withPassword = `http://ada:${ADA.password}@127.0.0.1:${guarded.port}`;

  // A name that only the proxies know is never looked up here.
  const nobody = `http://127.0.0.1:${await freePort()}`;
  expect(await throughTunnel([], { HTTPS_PROXY: nobody })).toMatch(/^sallyport: proxy: .*ECONNREFUSED/);
  expect(await throughTunnel(["--proxy", proxy], { HTTPS_PROXY: nobody })).toBe("hello");
  expect(await throughTunnel([], { HTTPS_PROXY: withPassword })).toBe("hello");
  const listed = await person.run(["list", "--json", "--proxy", proxy], "", env);
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout).toContain('"dev"');

  const machine = thisMachine(person.env, () => person.home);
  handDown({ proxy: withPassword, noProxy: [], off: false, authorization: "" }, machine);
  expect(await throughTunnel([], { HTTPS_PROXY: nobody })).toBe("hello");
  const basic = `Basic ${Buffer.from(`ada:${ADA.password}`).toString("base64")}`;
  const bare = `http://127.0.0.1:${guarded.port}`;
  handDown({ proxy: bare, noProxy: [], off: false, authorization: basic }, machine);
  expect(await throughTunnel([], {})).toBe("hello");
  handDown({ proxy: "", noProxy: [], off: false, authorization: "" }, machine);
  await host.stop();
});

test("a password in an argument is refused, and none is ever said", async ({ skip }) => {
  skip(missing("squid") !== undefined, missing("squid"));
  const refused = await person.run(["list", "--proxy", "http://ada:secret-of-ada@proxy.example"], "", env);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/SALLYPORT_PROXY_FILE/);
  const { port } = await programs.squid({ auth: ADA });
  const wrong = {
    ...env,
    SALLYPORT_PROXY: `http://ada:secret-of-bob@127.0.0.1:${port}`,
    SALLYPORT_DEBUG: "1",
  };
  const failed = await person.run(["list"], "", wrong);
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toMatch(/^sallyport: proxy: The proxy http:\/\/127\.0\.0\.1:\d+ does not accept/);
  const doctor = await person.run(["doctor", "--json", "dev"], "", wrong);
  expect(doctor.code).toBe(1);
  for (const { stdout, stderr } of [refused, failed, doctor])
    expect(stdout + stderr).not.toMatch(/secret-of/);
  const kept = readdirSync(person.home, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  for (const file of kept) {
    expect(readFileSync(`${file.parentPath}/${file.name}`, "latin1"), file.name).not.toContain(
      "secret-of-bob",
    );
  }
});

test("the doctor goes the way of the connection, and says by which proxy", async ({ skip }) => {
  skip(missing("squid") !== undefined, missing("squid"));
  const { port } = await programs.squid();
  const report = await person.run(["doctor", "--json", "dev"], "", {
    ...env,
    HTTPS_PROXY: `http://127.0.0.1:${port}`,
  });
  const { stages } = JSON.parse(report.stdout) as {
    stages: { id: string; status: string; detail: string }[];
  };
  const detail = (id: string) => stages.find((stage) => stage.id === id)?.detail;
  expect(detail("dns")).toBe(`The proxy http://127.0.0.1:${port} (from HTTPS_PROXY) looks gateway.test up.`);
  expect(detail("tcp")).toContain("connected to port");
  expect(detail("tls")).toMatch(/^TLSv1\.3/);
  expect(stages.find(({ id }) => id === "discovery")?.status).toBe("ok");
});
