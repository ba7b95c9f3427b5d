// The gateway's service in the packages: its unit and its init script, and the options that their files name.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { definition } from "../../../gateway/program/definition.ts";
import { FILES } from "../../../packaging/release/system/contents.ts";
import { findProgram } from "../../support/programs/find-program.ts";

const UNIT = "sallyport-gateway.service";
const noSystemd = findProgram("systemd-analyze", []) === undefined ? "needs systemd" : undefined;

/** Of ten; systemd calls up to 2 "safe". */
const MAX_EXPOSURE = 1.8;

function analyze(...args: string[]): string {
  return execFileSync("systemd-analyze", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** The unit with a program that is here, since the one that it names need not be. */
function unitHere(change = (text: string) => text): string {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-unit-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, UNIT);
  const text = readFileSync(join(FILES, UNIT), "utf8");
  writeFileSync(path, change(text.replace("/usr/bin/sallyport", process.execPath)));
  return path;
}

test.skipIf(noSystemd !== undefined)(
  `systemd understands the unit (${noSystemd ?? "systemd-analyze"})`,
  () => {
    const verify = ["verify", "--man=no", "--recursive-errors=no"];
    expect(analyze(...verify, unitHere())).toBe("");
    const wrong = unitHere((text) => text.replace("ProtectSystem=strict", "ProtectSystem=stricter"));
    expect(() => analyze(...verify, wrong)).toThrow("stricter");
  },
);

test.skipIf(noSystemd !== undefined)(
  `the service can do little else than its work (${noSystemd ?? "systemd-analyze"})`,
  () => {
    const security = ["security", "--offline=true", `--threshold=${MAX_EXPOSURE * 10}`];
    expect(analyze(...security, unitHere())).toContain("Overall exposure level");
  },
);

test("every option that the service's files name is one of the gateway's", () => {
  const known = new Set<string>(Object.values(definition.options).map(({ variable }) => variable));
  const named = ["gateway.env", UNIT, "sallyport-gateway.initd"].flatMap((name) =>
    [...readFileSync(join(FILES, name), "utf8").matchAll(/SALLYPORT_[A-Z_]+/g)].map(([variable]) => variable),
  );
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((variable) => !known.has(variable))).toEqual([]);
});
