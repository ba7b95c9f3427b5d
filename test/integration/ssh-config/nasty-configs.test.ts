// The person's own SSH config in all the shapes that people have it in: the real ssh is asked about their hosts and ours, before
// and after, and removal gives back every byte.

import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { applyConfig, removeConfig } from "../../../agent/client/ssh-config/apply.ts";
import { shortAndLong } from "../../support/long.ts";
import { DIRECT, PersonHome, TUNNELLED } from "./person-home.ts";

interface Case {
  readonly name: string;
  readonly config?: string | Buffer;
  /** Instead of `config`: puts something else in the file's place. */
  readonly make?: (path: string) => void;
  /** `applied`, where nothing else is said. */
  readonly outcome?: "applied" | "rolled-back" | "unchanged" | { refused: string } | { throws: string };
  /** What is left after removal, where that is not exactly what was there before. */
  readonly removed?: string;
  readonly check?: (path: string) => void;
  readonly home?: string;
}

const BLOCK = (path: string) =>
  `# >>> sallyport >>> anything\nInclude ${path}/.ssh/sallyport/config\n# <<< sallyport <<<\n`;
const OLD = BLOCK("/old/home");
const HOSTS =
  "Host own\n  HostName own.example\n  Port 2200\n  User me\n\nHost *.example\n  ServerAliveInterval 7\n";

const CASES: readonly Case[] = [
  { name: "LF, as most have it", config: HOSTS },
  { name: "CRLF", config: HOSTS.replaceAll("\n", "\r\n") },
  { name: "CRLF and LF mixed", config: HOSTS.replace("\n", "\r\n").replace(/\n$/, "\r\n") },
  { name: "CRLF that begins with an empty line", config: `\r\n${HOSTS.replaceAll("\n", "\r\n")}` },
  { name: "no final newline", config: HOSTS.trimEnd() },
  {
    name: "a byte order mark, which this ssh refuses by itself",
    config: `\uFEFF${HOSTS}`,
    outcome: "rolled-back",
  },
  { name: "empty", config: "" },
  { name: "one newline", config: "\n" },
  { name: "no newline at all", config: "Host own" },
  { name: "only comments", config: "# a\n#b\n\n  # c" },
  { name: "only white space", config: "  \t\n \n\t" },
  { name: "no file", make: (path) => rmSync(path, { force: true }) },
  { name: "Host * first", config: `Host *\n  Port 2022\n  User star\n${HOSTS}` },
  { name: "ProxyJump in Host *", config: `Host *\n  ProxyJump bastion\n${HOSTS}` },
  { name: "ProxyCommand in Host *", config: `Host *\n  ProxyCommand nc %h %p\n${HOSTS}` },
  {
    name: "options above every Host",
    config: `ProxyJump bastion\nPort 2022\nControlPath ~/.ssh/%C\n${HOSTS}`,
  },
  {
    name: "IdentityFile, IdentityAgent and ControlMaster in Host *",
    config:
      "Host *\n  IdentityFile ~/.ssh/work\n  IdentityAgent ~/a.sock\n  ControlMaster auto\n  ControlPath /tmp/%r@%h\n",
  },
  {
    name: "Match blocks",
    config: `Match user root\n  Port 1\nMatch host own exec "true"\n  Port 2\nMatch all\n  Port 3\n${HOSTS}`,
  },
  { name: "Match final", config: `${HOSTS}Match final all\n  Compression yes\n` },
  {
    name: "CanonicalizeHostname",
    config: `CanonicalizeHostname always\nCanonicalDomains example\nCanonicalizeMaxDots 0\n${HOSTS}`,
  },
  {
    name: "no checks of host keys in Host *",
    config: "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  VerifyHostKeyDNS yes\n",
  },
  { name: "its own Include", config: `Include /nonexistent/a\n${HOSTS}` },
  {
    name: "an Include of a directory's files",
    make: (path) => {
      mkdirSync(`${path}.d`);
      writeFileSync(`${path}.d/one`, HOSTS);
      writeFileSync(`${path}.d/two`, `Host between\n  Port 6\nHost ${DIRECT}\n  Port 7\n`);
      writeFileSync(path, `Include ${path}.d/*\nHost inside\n  Include ${path}.d/two\n`);
    },
  },
  { name: "tabs", config: "Host\town\n\tHostName\town.example\n\t\tPort 7\n" },
  { name: "equals signs", config: "Host=own\n  HostName=own.example\n  Port = 7\n" },
  { name: "quoted values", config: 'Host "own" "two words"\n  IdentityFile "~/.ssh/a b"\n  User "me"\n' },
  { name: "keywords in capitals", config: "HOST own\n  HOSTNAME own.example\nMATCH ALL\n  PORT 9\n" },
  {
    name: "our alias by hand",
    config: `Host ${TUNNELLED}\n  HostName elsewhere\n  ProxyCommand nc x 1\n  User other\n${HOSTS}`,
  },
  {
    name: "a host that only looks like a marker",
    config: `# >> sallyport\nHost own # >>> sallyport\n  Port 4\n`,
  },
  { name: "a marker cut short", config: `# >>> sally\n${HOSTS}`, outcome: "applied" },
  { name: "a very long line", config: `# ${"x".repeat(300_000)}\n${HOSTS}` },
  {
    name: "ten thousand hosts",
    config: Array.from({ length: 10_000 }, (_, n) => `Host h${n}\n  Port ${n + 1}\n`).join(""),
  },
  {
    name: "bytes that are not UTF-8",
    config: Buffer.concat([
      Buffer.from("# \xe4\xff\xfe\x80\nHost own\n  User \xfcber\n", "latin1"),
      Buffer.from(HOSTS),
    ]),
  },
  { name: "a NUL byte", config: Buffer.from("# a\0b\nHost own\n  Port 5\n") },
  { name: "vertical tabs and form feeds", config: "# a\f\v\nHost own\f\n  Port 5\n" },
  {
    name: "an option that ssh does not know",
    config: `${HOSTS}Host *\n  FancyOption yes\n`,
    outcome: "rolled-back",
  },
  { name: "a value that ssh does not take", config: `${HOSTS}Host *\n  Port none\n`, outcome: "rolled-back" },
  { name: "UTF-16", config: Buffer.from(`\uFEFF${HOSTS}`, "utf16le"), outcome: { refused: "not_text" } },
  {
    name: "five megabytes",
    config: Buffer.alloc(5 * 1024 * 1024, "# much\n"),
    outcome: { throws: "too_large" },
  },
  {
    name: "read-only",
    config: HOSTS,
    make: (path) => readOnly(path),
    outcome: { refused: "read_only" },
  },
  { name: "a directory in its place", make: (path) => mkdirSync(path), outcome: { throws: "not_a_file" } },
  { name: "a link in a circle", make: (path) => symlinkSync("config", path), outcome: { throws: "ELOOP" } },
  {
    name: "a link that leads to no directory",
    make: (path) => symlinkSync("/nonexistent/x/config", path),
    outcome: { refused: "read_only" },
  },
  {
    name: "a relative link into another directory",
    make: (path) => {
      mkdirSync(join(dirname(path), "..", "dotfiles"));
      writeFileSync(join(dirname(path), "..", "dotfiles", "ssh config"), HOSTS, { mode: 0o644 });
      symlinkSync("../dotfiles/ssh config", path);
    },
    check: (path) => {
      expect(readlinkSync(path)).toBe("../dotfiles/ssh config");
      expect(statSync(path).mode & 0o777).toBe(0o644);
    },
  },
  {
    name: "a dangling link",
    make: (path) => {
      mkdirSync(join(dirname(path), "..", "dotfiles"));
      symlinkSync("../dotfiles/config", path);
    },
    check: (path) => expect(lstatSync(path).isSymbolicLink()).toBe(true),
  },
  {
    name: "a link to a link, in a directory that is a link",
    make: (path) => {
      const real = join(dirname(path), "..", "deep", "er");
      mkdirSync(real, { recursive: true });
      rmSync(dirname(path), { recursive: true });
      symlinkSync("deep/er", dirname(path));
      symlinkSync("../second", path);
      symlinkSync("third", join(real, "..", "second"));
      writeFileSync(join(real, "..", "third"), HOSTS, { mode: 0o600 });
    },
    check: (path) => expect(readlinkSync(path)).toBe("../second"),
  },
  {
    name: "a second hard link",
    make: (path) => {
      writeFileSync(path, HOSTS, { mode: 0o600 });
      linkSync(path, `${path}.other`);
    },
    check: (path) => {
      expect(readFileSync(`${path}.other`)).toEqual(readFileSync(path));
      expect(statSync(path).nlink).toBe(2);
    },
  },
  {
    name: "a mode of 0640",
    make: (path) => {
      writeFileSync(path, HOSTS);
      chmodSync(path, 0o640);
    },
    check: (path) => expect(statSync(path).mode & 0o777).toBe(0o640),
  },
  { name: "a block from an earlier home", config: `${OLD}${HOSTS}`, removed: HOSTS },
  {
    name: "two blocks with hosts between them",
    config: `${OLD}Host between\n  Port 6\n${OLD}${HOSTS}`,
    removed: `Host between\n  Port 6\n${HOSTS}`,
  },
  { name: "a block below a Host", config: `${HOSTS}${OLD}# last`, removed: `${HOSTS}# last` },
  {
    name: "a block whose end is gone",
    config: `${OLD.split("\n").slice(0, 2).join("\n")}\n${HOSTS}`,
    removed: HOSTS,
  },
  {
    name: "a block whose beginning is gone",
    config: `${OLD.split("\n").slice(1).join("\n")}${HOSTS}`,
    removed: HOSTS,
  },
  {
    name: "two beginnings and one end",
    config: `# >>> sallyport\n${HOSTS}${OLD}# rest\n`,
    removed: `${HOSTS}# rest\n`,
  },
  {
    name: "a host written into the block",
    config: OLD.replace("# <<<", "Host inside\n  Port 8\n# <<<") + HOSTS,
    removed: `Host inside\n  Port 8\n${HOSTS}`,
  },
  {
    name: "a block with CRLF in a file with LF",
    config: OLD.replaceAll("\n", "\r\n") + HOSTS,
    removed: HOSTS,
  },
  { name: "a home with spaces, quotes and letters from elsewhere", home: "a b'ö[1]", config: HOSTS },
];

function readOnly(path: string): void {
  writeFileSync(path, HOSTS);
  chmodSync(path, 0o444);
}

const PROBES = ["own", "other.example", "between", "inside"];
let person: PersonHome;
afterEach(() => person.close());

/** A comparison element by element would take seconds for a large file. */
function expectBytes(path: string, wanted: Buffer | undefined): void {
  const now = readFileSync(path);
  if (wanted === undefined || !now.equals(wanted)) expect(now.toString()).toBe(wanted?.toString());
}

async function ask(hosts: readonly string[]): Promise<Record<string, string>> {
  const answers = await Promise.all(
    hosts.map(async (host) => [host, await person.sshSettings(host)] as const),
  );
  return Object.fromEntries(answers);
}

async function apply() {
  const plan = await person.plan();
  if (plan.kind !== "change") return plan;
  const { managed, expect: expectations } = person.blocks();
  const { paths, ssh } = person;
  return await applyConfig({ paths, change: () => managed, include: plan, expect: expectations, ssh });
}

describe("a person's SSH config", () => {
  for (const [some, options] of shortAndLong(CASES, 15)) {
    test.each(some)(
      "$name: their hosts stay as they are, and removal gives back every byte",
      options,
      async (one) => {
        person = new PersonHome(one.home);
        const path = person.paths.person;
        if (one.make === undefined) writeFileSync(path, one.config ?? "", { mode: 0o600 });
        else one.make(path);
        const original = existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined;
        const before = await ask(PROBES);
        const outcome = one.outcome ?? "applied";

        if (typeof outcome === "object") {
          if ("throws" in outcome) await expect(apply()).rejects.toMatchObject({ code: outcome.throws });
          else {
            const plan = await apply();
            expect(plan).toMatchObject({ kind: "refused", code: outcome.refused });
            expect(plan).toHaveProperty("line", `Include ${person.paths.config}`);
          }
          if (original !== undefined) expectBytes(path, original);
          return;
        }
        expect(await apply()).toMatchObject({ kind: outcome });
        expect(await ask(PROBES)).toEqual(before);
        if (outcome === "rolled-back") {
          expectBytes(path, original);
          return;
        }
        one.check?.(path);
        expect(await person.sshSettings(TUNNELLED)).toContain("\nproxycommand ");
        expect(await person.sshSettings(DIRECT)).toContain("\nproxyjump _gateway.gw.example\n");
        expect((await person.plan()).kind, "a second plan has nothing to do").toBe("unchanged");

        const removal = await person.planRemoval();
        if (removal.kind !== "change") throw new Error(`removal is ${removal.kind}`);
        expect(await removeConfig({ paths: person.paths, include: removal })).toEqual({
          kind: "applied",
          changed: true,
          keptFor: [],
        });
        one.check?.(path);
        if (original === undefined) expect(existsSync(path)).toBe(false);
        else expectBytes(path, one.removed === undefined ? original : Buffer.from(one.removed));
        expect(existsSync(person.paths.directory)).toBe(false);
      },
    );
  }
});
