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
    return this.#program("fetch(url).catch(() => {});");
  }

  /** A browser that only notes what it was given, for a test that opens it in a real one. */
  handsOver(): Record<string, string> {
    return this.#program("");
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

  #program(more: string): Record<string, string> {
    const [path, opened] = [join(this.home, "browser"), join(this.home, "opened")];
    const script = `#!${process.execPath}
const { renameSync, writeFileSync } = require("node:fs");
const url = process.argv[2];
writeFileSync(${JSON.stringify(`${opened}.new`)}, url + "\\n" + JSON.stringify(process.env));
renameSync(${JSON.stringify(`${opened}.new`)}, ${JSON.stringify(opened)});
${more}
`;
    writeFileSync(path, script);
    chmodSync(path, 0o755);
    return { BROWSER: path };
  }

  #file(): string {
    const directory = join(this.home, ".config/sallyport/tokens");
    const [file = "", ...more] = readdirSync(directory).filter((name) => !name.endsWith(".lock"));
    expect(more).toEqual([]);
    return join(directory, file);
  }
}
