import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { optionPath, proxyCommand, quoteForWindows } from "../../../../../agent/client/ssh-command/quote.ts";
import { quoteForShell } from "../../../../../protocol/values/shell-word.ts";

/** What a shell makes of each word: printed with NUL after it. */
function throughShell(shell: string, line: string): string[] {
  const output = execFileSync(shell, ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" });
  return output.split("\0").slice(0, -1);
}

const word = fc.string({
  unit: fc.constantFrom(..."ab '\"\\$`!%#~*?;&|<>(){}[]\n\tü-=".split("")),
  maxLength: 12,
});

describe("a word for a POSIX shell", () => {
  test.each(["sh", "bash"])("comes through a real %s as it was, whatever is in it", (shell) => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
        expect(throughShell(shell, words.map(quoteForShell).join(" "))).toEqual(words);
      }),
      { numRuns: 25 },
    );
  });

  test("stays readable where nothing needs quoting", () => {
    expect(quoteForShell("/usr/bin/node")).toBe("/usr/bin/node");
    expect(quoteForShell("https://gw.example:8443/x")).toBe("https://gw.example:8443/x");
    expect(quoteForShell("/home/a b")).toBe("'/home/a b'");
    expect(quoteForShell("it's")).toBe("'it'\\''s'");
  });
});

describe("a word for Windows", () => {
  /** CommandLineToArgvW, from its documentation: 2n backslashes and a quote are n backslashes and a delimiter. */
  function split(line: string): string[] {
    const words: string[] = [];
    let current = "";
    let quoted = false;
    let started = false;
    for (let i = 0; i < line.length; i++) {
      const backslashes = /^\\*/.exec(line.slice(i))?.[0].length ?? 0;
      if (backslashes > 0) {
        const quote = line[i + backslashes] === '"';
        current += "\\".repeat(quote ? Math.floor(backslashes / 2) : backslashes);
        started = true;
        i += backslashes - 1;
        if (quote && backslashes % 2 === 1) {
          current += '"';
          i++;
        }
      } else if (line[i] === '"') {
        quoted = !quoted;
        started = true;
      } else if (line[i] === " " && !quoted) {
        if (started) words.push(current);
        current = "";
        started = false;
      } else {
        current += line[i];
        started = true;
      }
    }
    if (started) words.push(current);
    return words;
  }

  test("comes through its argument splitting as it was", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(split(words.map(quoteForWindows).join(" "))).toEqual(words);
      }),
    );
  });
});

test("a ProxyCommand doubles every % and turns the backslashes of Windows paths", () => {
  expect(proxyCommand(["/opt/100%/node", "x"], "linux")).toBe("/opt/100%%/node x");
  expect(proxyCommand(["C:\\Program Files\\nodejs\\node.exe", "D:\\a\\cli.js", "tunnel"], "win32")).toBe(
    '"C:/Program Files/nodejs/node.exe" D:/a/cli.js tunnel',
  );
});

test("a path as an option's value is quoted, its % doubled, and slashed forward on Windows", () => {
  expect(optionPath("/home/ada/.config/sallyport/known_hosts", "linux")).toBe(
    "/home/ada/.config/sallyport/known_hosts",
  );
  expect(optionPath('/home/a b/%h"', "linux")).toBe('"/home/a b/%%h\\""');
  expect(optionPath("C:\\Users\\A B\\known_hosts", "win32")).toBe('"C:/Users/A B/known_hosts"');
});
