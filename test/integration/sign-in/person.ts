// A person with a command line and a program that stands in for their browser, and a look into what the command line keeps.

import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Credential, parseCredential } from "../../../agent/platform/credentials/credential.ts";
import { Person } from "../../support/cli.ts";

export class PersonWithBrowser extends Person {
  /** What the browser was given: the page, and its environment as JSON. */
  get opened(): readonly [string, string] {
    const [url = "", environment = ""] = readFileSync(join(this.home, "opened"), "utf8").split("\n");
    return [url, environment];
  }

  /** A browser that follows redirects as one does, and notes what it was given. */
  browser(): Record<string, string> {
    const path = join(this.home, "browser");
    const script = `#!${process.execPath}
const { writeFileSync } = require("node:fs");
const url = process.argv[2];
writeFileSync(${JSON.stringify(join(this.home, "opened"))}, url + "\\n" + JSON.stringify(process.env));
fetch(url).catch(() => {});
`;
    writeFileSync(path, script);
    chmodSync(path, 0o755);
    return { BROWSER: path };
  }

  stored(): Credential {
    return parseCredential(readFileSync(this.#file(), "utf8"));
  }

  /** Makes the stored access token look as if it had expired. */
  expire(): void {
    const value = JSON.parse(readFileSync(this.#file(), "utf8"));
    value.accessExpiresAt = new Date(Date.now() - 1_000).toISOString();
    writeFileSync(this.#file(), `${JSON.stringify(value)}\n`);
  }

  list(env: Record<string, string> = {}) {
    return this.run(["list", "--json"], "", env);
  }

  #file(): string {
    const directory = join(this.home, ".config/sallyport/tokens");
    const [file = "", ...more] = readdirSync(directory).filter((name) => !name.endsWith(".lock"));
    expect(more).toEqual([]);
    return join(directory, file);
  }
}
