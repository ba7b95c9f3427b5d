import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { openFilesAtStart, type ProcessFacts } from "../../../../../agent/host/ssh/open-files-limit.ts";

interface Known {
  readonly parent: number;
  readonly exe?: string;
  readonly comm?: string;
  readonly soft?: string;
  readonly cgroup?: string;
}

/** A machine of which only the given files are known. */
function machine(processes: Record<number, Known>, service: Record<string, string> = {}): ProcessFacts {
  const known = (path: string) => {
    const [pid, file] = path.split("/");
    const found = processes[Number(pid)];
    if (found === undefined) throw new Error(`ENOENT ${path}`);
    return { found, file };
  };
  return {
    pid: 100,
    readFile(path) {
      const { found, file } = known(path);
      if (file === "stat") return `${path} (a (b) c) S ${found.parent} 1 1 0 -1`;
      if (file === "comm") return `${found.comm ?? "sh"}\n`;
      if (file === "cgroup") return found.cgroup ?? "0::/\n";
      return `Limit   Soft Limit   Hard Limit   Units\nMax open files            ${found.soft}                 524288               files\n`;
    },
    readLink(path) {
      const { found } = known(path);
      if (found.exe === undefined) throw new Error(`EACCES ${path}`);
      return found.exe;
    },
    systemctl(args) {
      const answer = service[args.join(" ")];
      if (answer === undefined) throw new Error(`systemctl ${args.join(" ")}`);
      return answer;
    },
  };
}

const NODE = "/opt/node/bin/node";

describe("the limit of open files at the start", () => {
  test("is that of the shell that started this program", () => {
    expect(
      openFilesAtStart(
        machine({ 100: { parent: 50, exe: NODE }, 50: { parent: 1, exe: "/bin/bash", soft: "1024" } }),
      ),
    ).toBe(1024);
  });

  test("is not that of a Node process in between, such as npx", () => {
    const facts = machine({
      100: { parent: 70, exe: NODE },
      70: { parent: 60, exe: "/usr/bin/node", comm: "npm exec sallyp", soft: "524288" },
      60: { parent: 1, exe: "/bin/sh", soft: "2048" },
    });
    expect(openFilesAtStart(facts)).toBe(2048);
  });

  test("is that of a different user's program, which may not be inspected", () => {
    expect(
      openFilesAtStart(machine({ 100: { parent: 50, exe: NODE }, 50: { parent: 1, soft: "4096" } })),
    ).toBe(4096);
  });

  test("is the service's, under systemd", () => {
    const service = { 100: { parent: 1, exe: NODE, cgroup: "0::/system.slice/sallyport@devbox.service\n" } };
    const systemd = { 1: { parent: 0, comm: "systemd", soft: "1073741816" } };
    const asked = "show --property=LimitNOFILESoft --value -- sallyport@devbox.service";
    expect(openFilesAtStart(machine({ ...service, ...systemd }, { [asked]: "1024\n" }))).toBe(1024);
    const own = {
      100: { parent: 7, exe: NODE, cgroup: "0::/user.slice/user@1000.service/app.slice/s.service\n" },
    };
    const manager = { 7: { parent: 1, comm: "systemd" } };
    const ask = "--user show --property=LimitNOFILESoft --value -- s.service";
    expect(openFilesAtStart(machine({ ...own, ...manager }, { [ask]: "infinity\n" }))).toBeUndefined();
    expect(openFilesAtStart(machine({ ...own, ...manager }))).toBeUndefined();
  });

  test("is unknown to the first process of a container", () => {
    expect(openFilesAtStart(machine({ 100: { parent: 0, exe: NODE } }))).toBeUndefined();
    expect(openFilesAtStart(machine({}))).toBeUndefined();
  });

  test.skipIf(process.platform !== "linux")(
    "is found on this machine, also with a Node process in between",
    () => {
      const source = resolve("agent/host/ssh/open-files-limit.ts");
      const print = `import(${JSON.stringify(source)}).then(({ openFilesAtStart }) => console.log(openFilesAtStart()))`;
      const nested = `require("node:child_process").execFileSync(process.execPath, ["-e", process.argv[1]], { stdio: "inherit" })`;
      for (const args of [
        ["-e", print],
        ["-e", nested, print],
      ]) {
        // The last command would take the shell's place.
        const script = 'ulimit -S -n 345; "$@"; exit $?';
        expect(execFileSync("/bin/sh", ["-c", script, "sh", process.execPath, ...args]).toString()).toBe(
          "345\n",
        );
      }
    },
  );
});
