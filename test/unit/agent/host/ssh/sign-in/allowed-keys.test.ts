import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AllowedKeys } from "../../../../../../agent/host/ssh/sign-in/allowed-keys.ts";
import { readKeysFile } from "../../../../../../agent/host/ssh/sign-in/authorized-keys-file.ts";
import { encode } from "../../../../../../protocol/ssh/wire.ts";

let directory: string;
let file: string;
let lines: string[];
const opened: AllowedKeys[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "allowed-keys-"));
  file = join(directory, "authorized_keys");
  lines = [];
});
afterEach(() => {
  for (const keys of opened.splice(0)) keys.close();
  rmSync(directory, { recursive: true, force: true });
});

async function open(...files: string[]): Promise<AllowedKeys> {
  const log = (text: string) => void lines.push(text);
  const keys = await AllowedKeys.open({ files, log: { debug: log, info: log, warn: log, error: log } });
  opened.push(keys);
  return keys;
}
function newKey() {
  const { publicKey } = generateKeyPairSync("ed25519");
  const x = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const blob = encode("ssh-ed25519", x);
  return { blob, type: "ssh-ed25519", line: `ssh-ed25519 ${blob.toString("base64")} someone` };
}
const write = (text: string) => writeFileSync(file, text, { mode: 0o600 });
const ADDRESS = "192.0.2.1";
/** Waits until the condition holds; returns how long that took, in ms. */
async function soon(check: () => boolean): Promise<number> {
  const started = performance.now();
  await expect.poll(check, { interval: 10 }).toBe(true);
  return performance.now() - started;
}

describe("the host's own files", () => {
  test("let their keys in, with their options", async () => {
    const [plain, restricted, other] = [newKey(), newKey(), newKey()];
    write(`# comment\n${plain.line}\r\n\nrestrict,pty ${restricted.line}\n`);
    const keys = await open(file);
    expect(keys.allowed(plain, ADDRESS)).toMatchObject({
      account: null,
      permissions: { portForwarding: true },
    });
    expect(keys.allowed(restricted, ADDRESS)?.permissions).toMatchObject({
      portForwarding: false,
      pty: true,
    });
    expect(keys.allowed(other, ADDRESS)).toBeUndefined();
    expect(keys.problems).toEqual([]);
  });

  test("are read again when they are written in place, replaced, deleted and created again", async () => {
    const [first, second, third] = [newKey(), newKey(), newKey()];
    const keys = await open(file);
    const times: number[] = [];
    let changes = 0;
    keys.onChange(() => changes++);
    write(first.line);
    times.push(await soon(() => keys.allowed(first, ADDRESS) !== undefined));
    write(second.line);
    times.push(
      await soon(
        () => keys.allowed(second, ADDRESS) !== undefined && keys.allowed(first, ADDRESS) === undefined,
      ),
    );
    const next = join(directory, "next");
    writeFileSync(next, third.line, { mode: 0o600 });
    renameSync(next, file);
    times.push(await soon(() => keys.allowed(third, ADDRESS) !== undefined));
    rmSync(file);
    times.push(await soon(() => keys.allowed(third, ADDRESS) === undefined));
    write(first.line);
    times.push(await soon(() => keys.allowed(first, ADDRESS) !== undefined));
    // Within the promised second. If all of them take longer, the machine is not to blame.
    expect(Math.min(...times)).toBeLessThan(1000);
    expect(changes).toBeGreaterThanOrEqual(5);
  });

  test.each([
    [
      "empty",
      () => {
        write("");
        // However long this process pauses, the file was written just now.
        const later = Date.now() / 1000 + 3600;
        utimesSync(file, later, later);
      },
    ],
    ["missing", () => rmSync(file)],
  ])(
    "that are %s for a moment, as an editor leaves them, are read once they are whole",
    async (_state, leave) => {
      const key = newKey();
      write(key.line);
      leave();
      const reading = readKeysFile(file, true);
      await new Promise((resolve) => setTimeout(resolve, 50));
      write(key.line);
      expect((await reading).entries.size).toBe(1);
    },
  );

  test("report by line what could not be used, and keep such keys out", async () => {
    const [good, odd] = [newKey(), newKey()];
    write(`${good.line}\nnot a key\nenvironment="A=b" ${odd.line}\n`);
    const keys = await open(file);
    expect(keys.problems.map(({ line }) => line)).toEqual([2, 3]);
    expect(lines.join("\n")).toContain(`${file}:3: The key is refused`);
    expect(keys.allowed(odd, ADDRESS)).toBeUndefined();
    expect(keys.allowed(good, ADDRESS)).toBeDefined();
    // Nor as the account's key, since the file confines it.
    keys.setPushed([{ publicKey: odd.line, account: "ann" }]);
    expect(keys.allowed(odd, ADDRESS)).toBeUndefined();
  });

  test("let in by the first line whose conditions are met", async () => {
    const key = newKey();
    write(`from="10.0.0.0/8" ${key.line}\nfrom="192.0.2.0/24",no-pty ${key.line}\n`);
    const keys = await open(file);
    expect(keys.allowed(key, "10.1.1.1")?.permissions.pty).toBe(true);
    expect(keys.allowed(key, ADDRESS)?.permissions.pty).toBe(false);
    expect(keys.allowed(key, "198.51.100.1")).toBeUndefined();
  });

  test("let nobody in when others may write to them", async () => {
    const key = newKey();
    write(key.line);
    chmodSync(file, 0o666);
    const keys = await open(file);
    expect(keys.allowed(key, ADDRESS)).toBeUndefined();
    expect(keys.problems[0]?.message).toMatch(/chmod go-w/);
    chmodSync(file, 0o600);
    await soon(() => keys.allowed(key, ADDRESS) !== undefined);
  });

  test("let nobody in when they are not files", async () => {
    const keys = await open(directory);
    expect(keys.problems).toHaveLength(1);
  });
});

describe("the gateway's keys", () => {
  test("replace those pushed before, and bear their account's name", async () => {
    const [first, second] = [newKey(), newKey()];
    const keys = await open();
    let changes = 0;
    keys.onChange(() => changes++);
    keys.setPushed([{ publicKey: first.line, account: "ann" }]);
    expect(keys.allowed(first, ADDRESS)).toMatchObject({ account: "ann" });
    keys.setPushed([{ publicKey: second.line, account: "bob" }]);
    expect(keys.allowed(first, ADDRESS)).toBeUndefined();
    expect(keys.allowed(second, ADDRESS)).toMatchObject({ account: "bob" });
    expect(changes).toBe(2);
  });

  test("do not lift the options that the host's own file has for the same key", async () => {
    const key = newKey();
    write(`command="date" ${key.line}`);
    const keys = await open(file);
    keys.setPushed([{ publicKey: key.line, account: "ann" }]);
    expect(keys.allowed(key, ADDRESS)?.permissions.command).toBe("date");
  });

  test("that are malformed are left out alone", async () => {
    const key = newKey();
    const keys = await open();
    keys.setPushed([
      { publicKey: "ssh-ed25519 AAAA", account: "ann" },
      { publicKey: `no-pty ${key.line}`, account: "bob" },
      { publicKey: newKey().line, account: "eve" },
    ]);
    expect(keys.allowed(key, ADDRESS)).toBeUndefined();
    expect(lines).toHaveLength(2);
  });
});
