// `npm run bench`: Sallyport beside its peers at the same work, as a table on stdout. A full run also writes
// docs/benchmarks.md and docs/benchmarks.json. Peers that are not installed are named and left out (npm run bench:peers).

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildAll } from "../../scripts/build.ts";
import { ROOT } from "../../scripts/repository.ts";
import { makeCertificate } from "./certificate.ts";
import { describeMachine, watchStolenTime } from "./machine.ts";
import { measureDelay, noDelayLine } from "./parts/delay.ts";
import { measureIdle } from "./parts/idle.ts";
import { measureStartUp } from "./parts/start-up.ts";
import { measureTraffic } from "./parts/traffic.ts";
import { COMPARED, FULL, PARTS, type Part, QUICK, takesPart } from "./plan.ts";
import { judge, type Result, render } from "./report.ts";
import { measureOwn } from "./ssh/measure.ts";
import { SUBJECTS } from "./subjects/all.ts";

const help = `
Usage: npm run bench -- [options]

  --quick              a couple of minutes: less of everything, one round, nothing written to docs/
  --size SIZE          bytes of one stream, such as 256M or 1G (default: 1G)
  --rounds N           how often everything is measured; medians count (default: 2)
  --only PART          ${PARTS.join(", ")}; may be given several times
                       (the last four are about Sallyport alone, and not in a run without --only)
  --subject WORD       those whose name has this word, beside Sallyport's first; may be given several times
  --protocol NAME      raw or resume: leave the other one of Sallyport's out
  --no-docs            do not write docs/benchmarks.md and .json
`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    size: { type: "string" },
    rounds: { type: "string" },
    only: { type: "string", multiple: true },
    subject: { type: "string", multiple: true },
    protocol: { type: "string" },
    "no-docs": { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help) {
  process.stdout.write(`${help.trim()}\n`);
  process.exit(0);
}
const parts: readonly Part[] = (values.only ?? COMPARED).map(
  (name) => PARTS.find((part) => part === name) ?? complain(`--only takes ${PARTS.join(", ")}, not ${name}`),
);
if (values.protocol !== undefined && !["raw", "resume"].includes(values.protocol))
  complain("--protocol takes raw or resume");
const chosen = values.quick ? QUICK : FULL;
const plan = {
  ...chosen,
  traffic: {
    ...chosen.traffic,
    size: values.size === undefined ? chosen.traffic.size : sizeOf(values.size),
    rounds: values.rounds === undefined ? chosen.traffic.rounds : countOf("--rounds", values.rounds),
  },
};

const skipped = new Map<string, string>();
const [own] = SUBJECTS;
const subjects = SUBJECTS.filter((subject) => {
  const { name } = subject;
  const words = values.subject;
  if (subject !== own && words !== undefined && !words.some((word) => name.includes(word))) return false;
  if (values.protocol !== undefined && name.includes(values.protocol === "raw" ? "resume" : "raw"))
    return false;
  const why = subject.missing();
  if (why !== undefined) skipped.set(name, why);
  return why === undefined;
});
const of = (part: Part) => subjects.filter((subject) => takesPart(part, subject));

const directory = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
// Also where a signal ends the run: `exit` is the one event that always comes, and what was started ends on it too.
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

await buildAll();
// Ten thousand tunnels are twenty thousand sockets of the gateway. Where that many are not allowed, fewer are opened.
spawnSync("prlimit", ["--pid", String(process.pid), "--nofile=65536:65536"], { stdio: "ignore" });
const most = mostTunnels();
const idlePlan = { ...plan.idle, counts: plan.idle.counts.map((count) => Math.min(count, most)) };
const certificate = makeCertificate(directory, ["127.0.0.1"]);
const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
const context = { directory, certificate, skipped, say };
const started = performance.now();

const stolenPercent = watchStolenTime();
const result: Result = {
  command: ["npm run bench", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" "),
  machine: describeMachine(),
  versions: Object.fromEntries(subjects.map((subject) => [subject.program, firstLine(subject.version())])),
  skipped: {},
};
if (parts.includes("start-up"))
  result.startUp = await measureStartUp(of("start-up"), plan.startUpRounds, context);
if (parts.includes("traffic")) result.traffic = await measureTraffic(of("traffic"), plan.traffic, context);
if (parts.includes("delay")) {
  const why = noDelayLine();
  if (why !== undefined) skipped.set("over a long line", why);
  else {
    const names = of("delay").map(({ name }) => name);
    result.delay = await measureDelay(names, plan.delay, { directory, say });
    for (const [name, reason] of Object.entries(result.delay.skipped))
      skipped.set(`${name} (long line)`, reason);
  }
}
if (parts.includes("idle")) result.idle = await measureIdle(of("idle"), idlePlan, context);
result.skipped = Object.fromEntries(skipped);
result.machine = { ...result.machine, stolenPercent: stolenPercent() };
result.aims = judge(result);
const report = render(result);
process.stdout.write(`${report}\n`);
const alone = await measureOwn(parts, directory, certificate);

const json = `${JSON.stringify({ ...result, ...alone }, null, 2)}\n`;
writeFileSync(join(ROOT, "test", "bench", "result.json"), json);
if (!values.quick && values.only === undefined && values["no-docs"] !== true) {
  const title =
    "# Benchmarks\n\nWhat Sallyport costs beside its peers at the same work, as `npm run bench` measured it; how it does that is in [CONTRIBUTING.md](../CONTRIBUTING.md). The same as JSON: [benchmarks.json](benchmarks.json).\n\n";
  writeFileSync(join(ROOT, "docs", "benchmarks.md"), title + report);
  writeFileSync(join(ROOT, "docs", "benchmarks.json"), json);
}
say(`took ${Math.round((performance.now() - started) / 1000)} s`);
process.exit(0);

/** By the limit on open files that the processes of the benchmark inherit. */
function mostTunnels(): number {
  const [, limit] = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return limit === undefined ? Number.POSITIVE_INFINITY : Math.floor((Number(limit) - 1_000) / 2);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function sizeOf(text: string): number {
  const match = /^(\d+)([KMG]?)$/i.exec(text) ?? complain("--size takes bytes, such as 256M");
  const unit = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[match[2]?.toUpperCase() ?? ""] ?? 1;
  return Number(match[1]) * unit;
}

function countOf(flag: string, text: string): number {
  return /^[1-9]\d?$/.test(text) ? Number(text) : complain(`${flag} takes a number from 1 to 99`);
}

function complain(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}
