// The installer for Windows, as far as it can be looked at elsewhere: what it says, and that PowerShell can parse it.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { powerShellInstaller } from "../../../gateway/http/downloads/install-ps1.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";

const GATEWAY = parseGatewayUrl("https://gateway.example/sub");
const SHA256 = "5".repeat(64);
const FILE = { name: "sallyport-win-x64.tar.gz", size: 1, sha256: SHA256 };
const isHere = spawnSync("pwsh", ["-Version"]).error === undefined;

test("it names the gateway, the version and the digest, and is one block in ASCII", () => {
  const script = powerShellInstaller(GATEWAY, { version: "1.2.3-rc.1", files: [FILE] });
  for (const line of [`$gateway = '${GATEWAY}'`, "$version = '1.2.3-rc.1'", `$want = '${SHA256}'`]) {
    expect(script).toContain(line);
  }
  // PowerShell 5.1 reads a script without a mark in the code page of the system.
  expect(script).toMatch(/^[\n\x20-\x7e]*$/);
  const code = script.split("\n").filter((line) => !line.startsWith("#") && line !== "");
  expect([code[0], code.at(-1)]).toEqual(["& {", "} @args"]);
});

test("a release without a program for Windows is refused before anything is changed", () => {
  const script = powerShellInstaller(GATEWAY, { version: "1.2.3", files: [] });
  expect(script.indexOf("throw 'sallyport: the gateway has no program for Windows'")).toBeLessThan(
    script.indexOf("New-Item"),
  );
  expect(script).toContain("$want = ''");
});

test.skipIf(!isHere)(`PowerShell can parse it (${isHere ? "pwsh" : "pwsh is not installed"})`, () => {
  const parse =
    "$errors = $null; [void][Management.Automation.Language.Parser]::ParseInput([Console]::In.ReadToEnd(), [ref]$null, [ref]$errors); $errors | Out-String; exit $errors.Count";
  const { status, stdout } = spawnSync("pwsh", ["-NoProfile", "-Command", parse], {
    input: powerShellInstaller(GATEWAY, { version: "1.2.3", files: [FILE] }),
    encoding: "utf8",
  });
  expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: "" });
});
