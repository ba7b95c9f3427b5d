import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { ROOT } from "../../../scripts/repository.ts";
import { contexts, registered } from "./fake-vscode.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const contributed: string[] = manifest.contributes.commands.map((one: { command: string }) => one.command);

const context = {
  subscriptions: [],
  secrets: { onDidChange: () => ({ dispose() {} }), get: () => Promise.resolve(undefined) },
  globalState: { get: (_key: string, fallback: unknown) => fallback, update: () => Promise.resolve() },
  globalStorageUri: { fsPath: join(tmpdir(), "sallyport-no-such-directory") },
  extension: { id: "sallyport.sallyport" },
  extensionPath: ROOT,
};

const home = mkdtempSync(join(tmpdir(), "sallyport-activation-"));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

test("at activation exactly the contributed commands, the view, the accounts and the links are registered, and nobody is asked anything", async () => {
  for (const name of ["HOME", "USERPROFILE", "SALLYPORT_CONFIG"]) vi.stubEnv(name, home);
  const fetched = vi.spyOn(globalThis, "fetch");
  const { activate } = await import("../../../extension/extension.ts");
  await Reflect.apply(activate, undefined, [context]);
  // What activation does not wait for.
  await vi.dynamicImportSettled();
  const names = registered.flatMap((one) => (one.startsWith("command ") ? [one.slice(8)] : []));
  // One of our own, by which windows tell each other.
  expect(names.filter((name) => name !== "sallyport.sharingChanged").toSorted()).toEqual(
    contributed.toSorted(),
  );
  expect(registered).toContain("view sallyport.sessions");
  expect(registered).toContain("authentication sallyport");
  expect(registered).toContain("uri");
  expect(fetched).not.toHaveBeenCalled();
  expect(contexts.size).toBe(0);
});

test("every command that a menu, a welcome text or the walkthrough names is there", () => {
  const { menus } = manifest.contributes;
  const inMenus = Object.values(menus).flatMap((items) =>
    Object(items).map((item: { command: string }) => item.command),
  );
  const texts =
    readFileSync(join(ROOT, "package.nls.json"), "utf8") + readFileSync(join(ROOT, "package.json"), "utf8");
  const linked = [...texts.matchAll(/(?:command|onCommand):(sallyport\.\w+)/g)].map(([, name]) => name ?? "");
  for (const name of [...inMenus, ...linked]) expect(contributed).toContain(name);
});

test("the extension starts for what it is for, and for nothing else", () => {
  expect(manifest.activationEvents).not.toContain("*");
  expect(manifest.activationEvents).not.toContain("onStartupFinished");
  for (const { scope } of Object.values<{ scope: string }>(
    manifest.contributes.configuration[0].properties,
  )) {
    expect(scope).toBe("application");
  }
});
