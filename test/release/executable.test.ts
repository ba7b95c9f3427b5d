// The executable for this machine, where it differs from Node and a script: everything that starts another process or a thread,
// or loads a native part.

import { execFile, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/repository.ts";
import { type Stack, startStack } from "../support/stack.ts";
import { isReleased, releasedProgram } from "./support/release.ts";

const run = promisify(execFile);

describe.skipIf(!isReleased("linux-x64"))(
  "the executable (skipped where the release has none for linux-x64)",
  () => {
    const program = releasedProgram("linux-x64");
    let directory: string;
    let env: NodeJS.ProcessEnv;
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), "executable-"));
      // No Node on the PATH, as on the machines that it is for.
      env = { PATH: "/usr/bin:/bin", HOME: directory, SALLYPORT_KEYCHAIN: "off" };
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    it("does the whole demo as gateway, host and companion", async () => {
      const demo = [join(ROOT, "scripts", "demo.ts"), "--json", "--program", program];
      const { stdout } = await run(process.execPath, demo, { maxBuffer: 1024 * 1024 });
      const report: unknown = JSON.parse(stdout);
      expect(report).toMatchObject({ passed: 13, failed: 0 });
    });

    it("has its native parts inside", async () => {
      const { stdout } = await run(program, ["version", "--verbose", "--json"], { env });
      expect(JSON.parse(stdout)).toMatchObject({ native: { sshCiphers: true, terminals: true } });
    });

    it("takes neither options nor code for Node from the environment", async () => {
      const preload = join(directory, "preload.cjs");
      writeFileSync(preload, "console.log('preloaded')");
      const hostile = { ...env, NODE_OPTIONS: `--require ${preload}`, NODE_PATH: directory };
      const { stdout, stderr } = await run(program, ["version"], { env: hostile });
      expect(stdout).toMatch(/^sallyport \S+ \(Node [^\n]*\)\n$/);
      expect(stderr).toBe("");
    });

    it("is what is upgraded, whatever the environment says that people started", async () => {
      const copy = join(directory, "sallyport");
      copyFileSync(program, copy);
      const misled = { ...env, SALLYPORT_EXE: "/usr/bin/false" };
      await expect(run(copy, ["upgrade", "--back"], { env: misled })).rejects.toMatchObject({
        stderr: expect.stringContaining(`There is no version before this one beside ${copy}:`),
      });
    });

    it("asks the keychain in a process of its own", async () => {
      const keychain = join(directory, "keychain.cjs");
      writeFileSync(
        keychain,
        "exports.getPassword = async (service, account) => service + ' of ' + account;",
      );
      const question = {
        modules: [keychain],
        service: "sallyport",
        operation: "getPassword",
        account: "ana",
      };
      const child = spawn(program, ["helper-process", "keychain"], { env });
      child.stdin.end(JSON.stringify(question));
      let answer = "";
      for await (const part of child.stdout.setEncoding("utf8")) answer += part;
      expect(JSON.parse(answer)).toEqual({ value: "sallyport of ana" });
    });

    it("does not know its helpers by another name, nor anything of Node's command line", async () => {
      for (const args of [
        ["helper-process", "other"],
        ["helper-process"],
        ["-e", "console.log(1)"],
        ["script.js"],
      ]) {
        await expect(run(program, args, { env })).rejects.toMatchObject({ code: 2, stdout: "" });
      }
    });

    describe("as a gateway of two processes", () => {
      let stack: Stack;
      beforeAll(async () => {
        const gatewayArgs = ["--http", "127.0.0.1:0", "--workers", "2"];
        stack = await startStack({ directory, workspace: "demo", program: [program], gatewayArgs });
      });
      afterAll(() => stack?.stop());

      it("reaches a workspace from either", async () => {
        for (let round = 0; round < 4; round++) {
          const { stdout } = await run("ssh", ["-F", stack.sshConfig, "demo", "echo", String(round)]);
          expect(stdout).toBe(`${round}\n`);
        }
        const children = readFileSync(
          `/proc/${stack.gateway.program.pid}/task/${stack.gateway.program.pid}/children`,
        );
        expect(children.toString().trim().split(" ")).toHaveLength(2);
      });

      it("runs a proxy script in a thread, with the QuickJS that is inside", async () => {
        const { hostname } = new URL(stack.gateway.url);
        const pac = join(directory, "proxy.pac");
        writeFileSync(pac, 'function FindProxyForURL() { return "DIRECT"; }');
        const list = async (script: string) => {
          const person = { ...stack.env, SALLYPORT_PROXY_PAC: script, SALLYPORT_GATEWAY: stack.gateway.url };
          return await run(program, ["list", "--json"], { env: person });
        };
        expect(JSON.parse((await list(pac)).stdout).workspaces).toHaveLength(1);
        // The script counts: one that names a proxy that is not there keeps the program from the gateway.
        writeFileSync(pac, `function FindProxyForURL() { return "PROXY ${hostname}:1"; }`);
        await expect(list(pac)).rejects.toMatchObject({ stderr: expect.stringMatching(/proxy/) });
      });
    });
  },
);
