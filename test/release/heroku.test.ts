// deploy/heroku as Heroku takes it: npm installs the release's package beside the Procfile, whose line then starts the gateway on the
// port in $PORT. test/integration/networks/https-only.test.ts has the rest, behind a router.

import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../scripts/repository.ts";
import { Person } from "../support/cli.ts";
import { freePort } from "../support/loopback.ts";
import { releaseDirectory } from "./support/release.ts";

const name = readdirSync(releaseDirectory()).find((file) => /^sallyport-\d[\w.-]*\.tgz$/.test(file));
const file = join(releaseDirectory(), name ?? "none");

test.skipIf(name === undefined)(
  `the app of deploy/heroku starts with the release's package (${name ?? "skipped: the release has no npm package"})`,
  async () => {
    const app = mkdtempSync(join(tmpdir(), "sallyport-heroku-"));
    const person = new Person();
    onTestFinished(() => {
      person.close();
      rmSync(app, { recursive: true, force: true });
    });
    cpSync(join(ROOT, "deploy", "heroku"), app, { recursive: true });
    copyFileSync(file, join(app, "sallyport.tgz"));
    const PATH = [join(app, "node_modules", ".bin"), dirname(process.execPath), person.env.PATH].join(
      delimiter,
    );
    const install = ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", install, { cwd: app, env: { ...person.env, PATH }, stdio: "pipe" });
    expect(existsSync(join(app, "node_modules", ".bin", "sallyport"))).toBe(true);

    const line = /^web: (.*)$/m.exec(readFileSync(join(app, "Procfile"), "utf8"))?.[1] ?? "";
    const PORT = String(await freePort());
    const dyno = person.startOther("sh", ["-c", line], {
      PATH,
      PORT,
      SALLYPORT_PUBLIC_URL: "https://gateway.example",
    });
    await dyno.seen("The gateway is ready");
    const answer = await fetch(`http://127.0.0.1:${PORT}/.well-known/sallyport`);
    expect(await answer.json()).toMatchObject({ publicUrl: "https://gateway.example", ssh: null });
    dyno.child.kill("SIGTERM");
    expect(await dyno.finished).toMatchObject({ code: 0, signal: null });
  },
);
