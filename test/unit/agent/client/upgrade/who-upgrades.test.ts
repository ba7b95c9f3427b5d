import { expect, test } from "vitest";
import { notByItself } from "../../../../../agent/client/upgrade/who-upgrades.ts";
import type { Installation } from "../../../../../agent/platform/installation/installation.ts";

const NAMES = [
  "sallyport_1.1.0_amd64.deb",
  "sallyport-1.1.0.x86_64.rpm",
  "sallyport_1.1.0_x86_64.apk",
  "sallyport-1.1.0.tgz",
];
const files = NAMES.map((name) => ({ name, size: 1, sha256: "0".repeat(64) }));
const offer = { manifest: { version: "1.1.0", files }, base: "https://gw.example/bin/" };
const empty = { manifest: { version: "1.1.0", files: [] }, base: "https://gw.example/bin/" };

type Package = Extract<Installation, { kind: "package" }>;

function packaged(manager: Package["manager"]): Package {
  return { kind: "package", path: "/usr/lib/sallyport/sallyport", manager, package: "sallyport" };
}

function told(
  installation: Parameters<typeof notByItself>[0],
  offered: Parameters<typeof notByItself>[1],
): string {
  const error = notByItself(installation, offered, "x64");
  expect(error.code).toBe("not_by_itself");
  return error.message.replace(/^.*upgrades it: /, "");
}

test.each([
  [
    "dpkg",
    "curl -fLO https://gw.example/bin/sallyport_1.1.0_amd64.deb && sudo dpkg -i ./sallyport_1.1.0_amd64.deb",
  ],
  [
    "rpm",
    "curl -fLO https://gw.example/bin/sallyport-1.1.0.x86_64.rpm && sudo rpm -U ./sallyport-1.1.0.x86_64.rpm",
  ],
  [
    "apk",
    "curl -fLO https://gw.example/bin/sallyport_1.1.0_x86_64.apk && sudo apk add --allow-untrusted ./sallyport_1.1.0_x86_64.apk",
  ],
  ["homebrew", "brew upgrade sallyport"],
] as const)("what %s installed is upgraded by its command", (manager, command) => {
  expect(told(packaged(manager), offer)).toBe(command);
});

test("a release in a directory is installed from there, and where there is no package the manager is named", () => {
  const local = { ...offer, base: "/media/my usb/" };
  expect(told(packaged("dpkg"), local)).toBe("sudo dpkg -i '/media/my usb/sallyport_1.1.0_amd64.deb'");
  expect(told(packaged("dpkg"), empty)).toBe("sudo apt-get install sallyport");
  expect(told(packaged("rpm"), undefined)).toBe("sudo dnf upgrade sallyport");
});

test("what npm installed is upgraded by npm", () => {
  const installation = { kind: "npm", path: "/usr/lib/node_modules/sallyport" } as const;
  expect(told({ ...installation, global: true }, offer)).toBe(
    "npm install --global https://gw.example/bin/sallyport-1.1.0.tgz",
  );
  for (const nothing of [empty, undefined]) {
    expect(told({ ...installation, global: false }, nothing)).toBe(
      "get the newer release's sallyport-VERSION.tgz, then npm install ./sallyport-VERSION.tgz",
    );
  }
});

test.each([
  ["clone", "git pull && npm run build"],
  ["extension", "in your editor"],
  ["copy", "install.sh"],
] as const)("a %s says what to do", (kind, word) => {
  expect(told({ kind, path: "/somewhere" }, undefined)).toContain(word);
});
