// Writing with the real ssh as the judge: what it disagrees with is taken back, and several writers do not lose each other's work.

import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { applyConfig, readManaged, removeConfig } from "../../../agent/client/ssh-config/apply.ts";
import {
  type Section,
  withSections,
  workspaceSection,
} from "../../../agent/client/ssh-config/managed-config.ts";
import { verifyAlias } from "../../../agent/client/ssh-config/person/verify-alias.ts";
import { CommandError } from "../../../agent/platform/command-error.ts";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import { DIRECT, GATEWAY, PersonHome, TUNNELLED } from "./person-home.ts";

let person: PersonHome;
afterEach(() => person.close());

function write(text: string): void {
  writeFileSync(person.paths.person, text, { mode: 0o600 });
}

async function apply(change: { ssh?: PersonHome["ssh"] } = {}) {
  const plan = await person.plan();
  const { managed, expect: expectations } = person.blocks();
  const include = plan.kind === "change" ? plan : undefined;
  const { paths, ssh } = person;
  return await applyConfig({ paths, change: () => managed, include, expect: expectations, ssh, ...change });
}

describe("applyConfig", () => {
  test("leaves private files, the keys before the hosts, and says when nothing has changed", async () => {
    person = new PersonHome();
    expect(await apply()).toEqual({ kind: "applied", changed: true });
    const { paths } = person;
    expect(statSync(paths.directory).mode & 0o777).toBe(0o700);
    for (const file of [paths.config, paths.knownHosts, paths.person])
      expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await apply()).toEqual({ kind: "applied", changed: false });
    expect(existsSync(paths.lock)).toBe(false);
  });

  test("agrees with ssh on paths with quotes, percent signs, dollars, backslashes and stars in them", async () => {
    person = new PersonHome(`a "b" 'c' 100% $x [1]* ö \\ ~`);
    expect(await apply()).toEqual({ kind: "applied", changed: true });
  });

  test("takes all of it back and tells the difference, where the person's own settings come first", async () => {
    person = new PersonHome();
    const own = `ProxyJump bastion\nIdentityFile ~/.ssh/work\nInclude ${person.paths.config}\n`;
    write(own);
    const outcome = await apply();
    expect(outcome).toMatchObject({ kind: "rolled-back" });
    const differences = outcome.kind === "rolled-back" ? outcome.differences : [];
    expect(differences).toContainEqual(
      expect.objectContaining({ alias: TUNNELLED, setting: "proxyjump", wanted: "", got: "bastion" }),
    );
    expect(differences).toContainEqual(
      expect.objectContaining({ alias: TUNNELLED, setting: "proxycommand", got: "" }),
    );
    expect(differences).toContainEqual({
      alias: DIRECT,
      setting: "proxyjump",
      wanted: "_gateway.gw.example",
      got: "bastion",
    });
    expect(differences).toContainEqual(
      expect.objectContaining({
        alias: DIRECT,
        setting: "identityfile",
        got: join(person.home, ".ssh", "work"),
      }),
    );
    expect(readFileSync(person.paths.person, "utf8")).toBe(own);
    expect(existsSync(person.paths.config)).toBe(false);
    expect(existsSync(person.paths.knownHosts)).toBe(false);
  });

  test("brings back its own earlier files as well", async () => {
    person = new PersonHome();
    await apply();
    const before = readFileSync(person.paths.config, "utf8");
    const { paths, ssh } = person;
    const [web] = person.blocks().expect.slice(1);
    if (web === undefined) throw new Error("no block");
    const outcome = await applyConfig({
      paths,
      change: (now) => ({
        sections: now.sections.filter(({ alias }) => alias !== TUNNELLED),
        knownHosts: "x y z\n",
      }),
      include: undefined,
      expect: [web],
      ssh,
    });
    expect(outcome.kind).toBe("rolled-back");
    expect(readFileSync(paths.config, "utf8")).toBe(before);
    expect(readFileSync(paths.knownHosts, "utf8")).toBe("");
  });

  test("shows what ssh says about a configuration that it does not read", async () => {
    person = new PersonHome();
    write("FancyOption yes\n");
    const outcome = await apply();
    expect(outcome.kind === "rolled-back" && outcome.differences[0]).toMatchObject({ setting: "ssh -G" });
    expect(outcome.kind === "rolled-back" && outcome.differences[0]?.got).toMatch(/fancyoption/);
    expect(readFileSync(person.paths.person, "utf8")).toBe("FancyOption yes\n");
  });

  test("does not wait for a Match exec that never ends", async () => {
    person = new PersonHome();
    write('Match exec "exec sleep 5"\n  Port 1\n');
    const outcome = await apply({ ssh: { ...person.ssh, timeoutMs: 300 } });
    expect(outcome.kind === "rolled-back" && outcome.differences[0]?.got).toBe(
      "ssh did not answer within 0.3 s.",
    );
    expect(readFileSync(person.paths.person, "utf8")).toMatch(/^Match/);
  });

  test("leaves nothing behind where there is no ssh", async () => {
    person = new PersonHome("home", "/nonexistent/ssh");
    await expect(apply()).rejects.toMatchObject({ stage: "ssh", code: "ENOENT" });
    expect(existsSync(person.paths.person)).toBe(false);
    expect(existsSync(person.paths.config)).toBe(false);
  });

  test("writes nothing on a plan that the file has left behind", async () => {
    person = new PersonHome();
    write("Host a\n");
    const plan = await person.plan();
    if (plan.kind !== "change") throw new Error(plan.kind);
    write("Host b\n");
    const { paths, ssh } = person;
    const { managed } = person.blocks();
    expect(await applyConfig({ paths, change: () => managed, include: plan, expect: [], ssh })).toEqual({
      kind: "outdated",
    });
    expect(readFileSync(paths.person, "utf8")).toBe("Host b\n");
    expect(existsSync(paths.config)).toBe(false);
    expect(await removeConfig({ paths, include: plan })).toEqual({ kind: "outdated" });
  });

  test("lets writers in several windows each add their workspace, with one Include in the end", async () => {
    person = new PersonHome();
    write("Host own\n");
    const place = { knownHosts: person.paths.knownHosts, platform: "linux" } as const;
    const section = (letter: string): Section =>
      workspaceSection(
        {
          gateway: GATEWAY,
          id: parseWorkspaceId(`ws_${letter.repeat(26)}`),
          alias: `${letter}.gw.example`,
          user: "ada",
          transport: { kind: "tunnel", launcher: "/bin/launcher" },
        },
        place,
      );
    const window = async (letter: string): Promise<void> => {
      for (;;) {
        const plan = await person.plan();
        const outcome = await applyConfig({
          paths: person.paths,
          change: (now) => ({ ...now, sections: withSections(now.sections, [section(letter)]) }),
          include: plan.kind === "change" ? plan : undefined,
          expect: [],
          ssh: person.ssh,
        }).catch((error: unknown) => {
          // The others have held the lock for the whole of its time: no more than a turn that went to them.
          if (error instanceof CommandError && error.code === "locked") return undefined;
          throw error;
        });
        if (outcome?.kind === "applied") return;
      }
    };
    await Promise.all([..."abcdef"].map(window));
    expect(
      readManaged(person.paths)
        .sections.map(({ alias }) => alias[0])
        .join(""),
    ).toBe("abcdef");
    expect(readFileSync(person.paths.person, "utf8").match(/^Include/gm)).toHaveLength(1);
    const [difference] = await verifyAlias(
      { alias: "c.gw.example", settings: [{ keyword: "User", value: "ada", form: "word" }] },
      person.ssh,
    );
    expect(difference).toBeUndefined();
  });

  test("refuses a directory that others can write to", async () => {
    person = new PersonHome();
    await apply();
    chmodSync(person.paths.directory, 0o777);
    await expect(apply()).rejects.toMatchObject({ code: "loose_mode" });
  });
});
