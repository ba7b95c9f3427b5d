// The dashboard inside the bundled gateway: what people install has no dist/web/ beside it, and is all there is. A companion, which
// starts with every connection, must not load it.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../../scripts/repository.ts";
import { Person } from "../../support/cli.ts";

const DIST = join(ROOT, "dist");

test("a gateway without dist/web/ serves the same files from its own code", async () => {
  const person = new Person();
  const installed = mkdtempSync(join(tmpdir(), "sallyport-installed-"));
  onTestFinished(() => {
    person.close();
    rmSync(installed, { recursive: true, force: true });
  });
  cpSync(DIST, join(installed, "dist"), {
    recursive: true,
    filter: (path) => !/[\\/]dist[\\/](?:web|extension|man)(?:[\\/]|$)/.test(path),
  });
  symlinkSync(join(ROOT, "node_modules"), join(installed, "node_modules"));
  const args = [join(installed, "dist", "cli.js"), "gateway", "--http", "127.0.0.1:0", "--json"];
  const { child, finished, seen } = person.startOther(process.execPath, [...args, "--data", person.home]);
  let printed = "";
  child.stdout?.on("data", (part: string) => {
    printed += part;
  });
  await seen('"ready"');
  await expect.poll(() => printed).toContain("\n");
  const { http } = JSON.parse(printed.split("\n")[0] ?? "");
  const page = await fetch(`${http}/`);
  expect(page.status).toBe(200);
  const html = await page.text();
  const names = readdirSync(join(DIST, "web", "assets"));
  expect(names.filter((name) => html.includes(`/assets/${name}`)).length).toBeGreaterThan(2);
  for (const name of names) {
    const file = await fetch(`${http}/assets/${name}`);
    expect(file.status, name).toBe(200);
    expect(Buffer.from(await file.arrayBuffer()), name).toEqual(
      readFileSync(join(DIST, "web", "assets", name)),
    );
  }
  child.kill();
  await finished;
});

test("the chunk with the dashboard is loaded by the gateway only, and only when a page is asked for", () => {
  const chunks = readdirSync(DIST, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js") && !/^(?:extension|web)/.test(name))
    .map((name) => ({ name, text: readFileSync(join(DIST, name), "utf8") }));
  const main = readdirSync(join(DIST, "web", "assets")).find((name) => name.startsWith("main-")) ?? "";
  const [holder, ...more] = chunks.filter(({ text }) => text.includes(`assets/${main}`));
  expect(more).toEqual([]);
  const base = /[^\\/]+$/.exec(holder?.name ?? "")?.[0] ?? "?";
  const loads = chunks.flatMap(({ name, text }) =>
    [...text.matchAll(/.{0,40}require\("([^"]+)"\)/g)]
      .filter(([, path = ""]) => path.endsWith(base))
      .map(([call]) => ({ name, call })),
  );
  expect(loads).toHaveLength(1);
  expect(loads[0]?.call).toMatch(/\.then\(\(\) ?=> ?/);
});
