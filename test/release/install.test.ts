// The installer of a gateway that offers this release, in the root directories of other systems: as root, as a user without a
// name, where nothing can be written or run, and with what can go wrong on the way.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { get } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { shellInstaller } from "../../gateway/http/downloads/install-sh.ts";
import { parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { Authority } from "../integration/networks/certificates.ts";
import { temporaryDirectory, testGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";
import { Container, type ContainerOptions, type RunOptions } from "./support/container.ts";
import { isReleased, releaseDirectory, releasedVersion } from "./support/release.ts";
import { type RootName, whyNoRoot } from "./support/roots.ts";
import { shellcheck } from "./support/tools.ts";

const VERSION = await releasedVersion();
/** Systems that have something to download with, and the program that they need. */
const SYSTEMS = [
  ["debian-12-curl", "linux-x64"],
  ["alpine", "linux-musl-x64"],
] as const;
const NAMELESS = 12_345;

type Skip = (reason: string) => never;

async function container(name: RootName, skip: Skip, options?: ContainerOptions): Promise<Container> {
  const reason = whyNoRoot(name);
  if (reason !== undefined) skip(`${name} ${reason}`);
  const made = await Container.start(name, options);
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made;
}

/** A gateway with this release, and how many files and installers it has sent. */
async function offering(overrides: Parameters<typeof testGateway>[0] = {}) {
  const world = await testGateway({ downloads: releaseDirectory(), ...overrides });
  const sent = (route: string) =>
    world.logLines.filter((line) => line.includes(`"route":"${route}","status":200`)).length;
  const script = async () => await (await world.send("GET", "/install.sh", undefined)).text();
  return { ...world, script, programs: () => sent("/bin/:name"), installers: () => sent("/install.sh") };
}

function sharedDirectory(name: string): string {
  const directory = join(temporaryDirectory(), name);
  mkdirSync(directory);
  // Its parent is of mode 0700, which does not matter inside a container.
  chmodSync(directory, 0o777);
  return directory;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const oneLine = (url: string, ...args: string[]) => [
  "sh",
  "-c",
  `curl -fsSL ${url}/install.sh | sh -s -- "$@"`,
  "sh",
  ...args,
];

describe.each(SYSTEMS)("%s", (name, platform) => {
  test.skipIf(!isReleased(platform))(
    "one line makes a workspace; other containers with the volume download nothing, and the state keeps its id",
    async ({ skip }) => {
      const { gateway, account, call, programs, installers } = await offering();
      const ada = await account("ada");
      const [volume, state, secrets] = ["volume", "state", "secrets"].map(sharedDirectory);
      writeFileSync(join(secrets ?? "", "token"), ada.token, { mode: 0o600 });
      const inside = (options?: string): ContainerOptions => ({
        mounts: [
          { at: "/opt/sallyport", from: volume ?? "", ...(options === undefined ? {} : { options }) },
          { at: "/state", from: state ?? "" },
          { at: "/run/secrets", from: secrets ?? "", options: "ro" },
        ],
      });
      const flags = ["--token-file", "/run/secrets/token", "--name", "box", "--state", "/state/host"];
      const ids = new Set<string>();
      const took: number[] = [];
      for (const options of [undefined, "ro", "ro"]) {
        const box = await container(name, skip, inside(options));
        const started = performance.now();
        const host = box.start(oneLine(gateway.httpUrl, "host", ...flags));
        const workspace = await until(async () => {
          if (host.child.exitCode !== null) throw new Error(JSON.stringify(await host.result));
          const { body } = await call("GET", "/workspaces", ada.token);
          return body.find((known: { online: boolean }) => known.online);
        }, 120_000);
        took.push(performance.now() - started);
        ids.add(workspace.id);
        await box[Symbol.asyncDispose]();
        await until(async () => {
          const { body } = await call("GET", "/workspaces", ada.token);
          return body.every((known: { online: boolean }) => !known.online);
        });
      }
      expect({ programs: programs(), installers: installers(), ids: ids.size }).toEqual({
        programs: 1,
        installers: 3,
        ids: 1,
      });
      const box = await container(name, skip);
      const started = performance.now();
      const plain = `curl -fsS -o /tmp/archive ${gateway.httpUrl}/bin/sallyport-${platform}.tar.gz`;
      expect(await box.run(["sh", "-c", plain])).toMatchObject({ code: 0 });
      const [first, ...later] = took.map(seconds);
      console.log(
        `${name}: from the line to a workspace ${first}, with the volume ${later.join(" and ")}; the download alone ${seconds(performance.now() - started)}`,
      );
    },
  );

  test.skipIf(!isReleased(platform))("root gets it into /opt, and onto PATH", async ({ skip }) => {
    const { gateway } = await offering();
    const box = await container(name, skip);
    const { code, stderr } = await box.run(oneLine(gateway.httpUrl));
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `sallyport: downloading ${gateway.httpUrl}/bin/sallyport-${platform}.tar.gz
sallyport: version ${VERSION} is installed as /usr/local/bin/sallyport
`,
    });
    expect(await box.run(["sallyport", "version"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(VERSION),
    });
    expect(readlinkSync(box.outside("/opt/sallyport/sallyport"))).toBe(
      `versions/${VERSION}-${platform}/sallyport`,
    );
    expect(readdirSync(box.outside("/opt/sallyport")).sort()).toEqual(["sallyport", "versions"]);
  });

  test.skipIf(!isReleased(platform))(
    "a user without name and home, on a read-only root, gets it into the first directory that can run it",
    async ({ skip }) => {
      const { gateway, programs } = await offering();
      const box = await container(name, skip, {
        readOnly: true,
        mounts: [{ at: "/var/tmp", options: "noexec" }],
      });
      const user: RunOptions = { uid: NAMELESS };
      for (const _ of [1, 2]) {
        const { code, stdout, stderr } = await box.run(oneLine(gateway.httpUrl, "version"), user);
        expect({ code, stdout }, stderr).toMatchObject({ code: 0, stdout: expect.stringContaining(VERSION) });
        expect(stderr).toContain(
          `is installed as /tmp/sallyport-${NAMELESS}/sallyport; to find it by name: export PATH=`,
        );
      }
      expect(programs()).toBe(1);
    },
  );

  test("where nothing can be run, one line says what was tried", async ({ skip }) => {
    const { gateway } = await offering();
    const places = ["/opt", "/var/tmp", "/tmp", "/dev/shm", "/home/x"];
    const box = await container(name, skip, {
      readOnly: true,
      mounts: places.map((at) => ({ at, options: "noexec" })),
    });
    const { code, stderr } = await box.run(oneLine(gateway.httpUrl, "version"), {
      uid: NAMELESS,
      env: { HOME: "/home/x" },
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `sallyport: there is no directory that can be written to and run from; tried: /home/x/.local/share/sallyport /opt/sallyport /var/tmp/sallyport-${NAMELESS} /tmp/sallyport-${NAMELESS} /dev/shm/sallyport-${NAMELESS}; set SALLYPORT_HOME to one\n`,
    });
  });

  test("a directory that another user prepared is not used", async ({ skip }) => {
    const { gateway } = await offering();
    const box = await container(name, skip, {
      readOnly: true,
      mounts: [{ at: "/opt", options: "ro" }, { at: "/var/tmp" }],
    });
    const [theirs, mine] = ["/var/tmp", "/tmp"].map((parent) => `${parent}/sallyport-${NAMELESS}`);
    const prepare = `mkdir -p -m 777 ${theirs}/versions && ln -s /var/tmp ${mine}`;
    expect(await box.run(["sh", "-c", prepare], { uid: 666 })).toMatchObject({ code: 0 });
    const { stderr } = await box.run(oneLine(gateway.httpUrl, "version"), { uid: NAMELESS });
    expect(stderr).toContain(`installed as /dev/shm/sallyport-${NAMELESS}/sallyport`);
  });

  test("what is damaged or not ours is refused, and leaves nothing", async ({ skip }) => {
    const { script, gateway } = await offering();
    const box = await container(name, skip);
    let answer: [number, string] = [200, ""];
    const server = createServer((_request, response) => response.writeHead(answer[0]).end(answer[1]));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const theirs = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const input = (await script()).replaceAll(gateway.httpUrl, theirs);
    for (const [status, body, says] of [
      [200, "damaged", /is damaged \(SHA-256 \w+ instead of/],
      [200, "<html>", /a web page came instead of/],
      [404, "", /cannot be downloaded \(curl ended with status 22\)/],
    ] as const) {
      answer = [status, body];
      const { code, stderr } = await box.run(["sh", "-s", "--", "host"], { input });
      expect(code).toBe(1);
      expect(stderr).toMatch(says);
      expect(readdirSync(box.outside("/opt/sallyport"))).toEqual(["versions"]);
    }
  });

  test("cut off after any line, it runs nothing", async ({ skip }) => {
    const box = await container(name, skip);
    const script = shellInstaller(parseGatewayUrl("http://127.0.0.1:9"), { version: VERSION, files: [] });
    writeFileSync(box.outside("/tmp/install.sh"), script);
    const lines = script.trimEnd().split("\n").length;
    const loop = `n=0; while [ $n -lt $1 ]; do head -n $n /tmp/install.sh | sh -s host 2>&1; n=$((n + 1)); done | grep sallyport:; ls /opt`;
    expect((await box.run(["sh", "-c", loop, "sh", String(lines)])).stdout).toBe("");
    expect((await box.run(["sh", "-c", loop, "sh", String(lines + 1)])).stdout).toMatch(/^sallyport: /);
  });

  test.skipIf(!isReleased(platform))(
    "a private authority has to be named, for curl and for wget",
    async ({ skip }) => {
      const directory = temporaryDirectory();
      const [ours, other] = [new Authority(directory, "ours"), new Authority(directory, "other")];
      const { cert, key } = ours.sign(["127.0.0.1"]);
      const { gateway } = await offering({ tls: { certFile: cert, keyFile: key } });
      expect(gateway.httpUrl).toMatch(/^https:/);
      const input = await fetchTrusting(gateway.httpUrl, ours.file);
      for (const tool of name === "alpine" ? ["curl", "wget"] : ["curl"]) {
        const box = await container(name, skip, {
          mounts: [
            { at: "/ours.pem", from: ours.file },
            { at: "/other.pem", from: other.file },
          ],
        });
        if (tool === "wget") renameSync(box.outside("/usr/bin/curl"), box.outside("/usr/bin/no-curl"));
        const install = (env: Record<string, string>) =>
          box.run(["sh", "-s", "--", "version"], { input, env: { HOME: "/root", ...env } });
        for (const env of [{}, { SALLYPORT_CA: "/other.pem" }]) {
          const { code, stderr } = await install(env);
          expect(code).toBe(1);
          expect(stderr).toMatch(
            new RegExp(`^sallyport: https://\\S+ cannot be downloaded \\(${tool} ended with status`, "m"),
          );
        }
        const { code, stdout, stderr } = await install({ SALLYPORT_CA: "/ours.pem" });
        expect({ code, stdout }, `${tool}: ${stderr}`).toMatchObject({
          code: 0,
          stdout: expect.stringContaining(VERSION),
        });
      }
    },
  );
});

/** The script, as a person gets it who trusts the authority. */
async function fetchTrusting(url: string, ca: string): Promise<string> {
  const request = get(`${url}/install.sh`, { ca: readFileSync(ca) });
  const [response]: IncomingMessage[] = await once(request, "response");
  return response === undefined ? "" : await text(response);
}

describe.each([["debian-12"], ["debian-11"]] as const)("%s, which can download nothing", (name) => {
  test.skipIf(!isReleased("linux-x64"))("says so, and installs from a directory", async ({ skip }) => {
    const { script, programs } = await offering();
    const box = await container(name, skip, {
      mounts: [{ at: "/release", from: releaseDirectory(), options: "ro" }],
    });
    const input = await script();
    const without = await box.run(["sh"], { input });
    expect(without).toMatchObject({ code: 1 });
    expect(without.stderr).toBe(
      "sallyport: curl or wget is needed; or copy sallyport-linux-x64.tar.gz here, and set SALLYPORT_FROM to its directory\n",
    );
    const env = { SALLYPORT_FROM: "/release" };
    const { code, stdout, stderr } = await box.run(["sh", "-s", "--", "version"], { input, env });
    expect({ code, stdout }, stderr).toMatchObject({ code: 0, stdout: expect.stringContaining(VERSION) });
    expect(programs()).toBe(0);
  });
});

test("a loader for guests does not make Alpine a glibc system", async ({ skip }) => {
  const { gateway } = await offering();
  const box = await container("alpine", skip);
  mkdirSync(box.outside("/lib64"), { recursive: true });
  symlinkSync("/lib/ld-musl-x86_64.so.1", box.outside("/lib64/ld-linux-x86-64.so.2"));
  const { stderr } = await box.run(oneLine(gateway.httpUrl));
  expect(stderr).toContain("/bin/sallyport-linux-musl-x64.tar.gz");
});

test("ShellCheck has nothing to say about the script", async () => {
  const { script } = await offering();
  const file = join(temporaryDirectory(), "install.sh");
  writeFileSync(file, await script());
  const { status, stdout } = spawnSync(await shellcheck(), ["--shell=sh", file], { encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
});
