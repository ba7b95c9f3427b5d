import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { challengeCertificate, newKey } from "../../../../gateway/certificate/acme/own-certificate.ts";
import { StoredFiles } from "../../../../gateway/certificate/stored-files.ts";

function storedFiles(): { files: StoredFiles; directory: string } {
  const parent = mkdtempSync(join(tmpdir(), "sallyport-acme-"));
  onTestFinished(() => {
    chmodSync(parent, 0o700);
    rmSync(parent, { recursive: true, force: true });
  });
  const directory = join(parent, "acme", "ca");
  return { files: new StoredFiles(join(directory, "certificate.pem")), directory };
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test("the account's key is made once, and everything is closed to other users", async () => {
  const { files, directory } = storedFiles();
  await files.prepare();
  const key = await files.accountKey();
  expect((await files.accountKey()).equals(key)).toBe(true);
  await files.writeAttempts({ failures: 1, failedAt: [1], notBefore: 0 });
  await using _challenge = await files.writeChallenge("a.example", "pem");
  await using reserved = await files.reserve();
  await reserved.store("not a certificate", newKey());
  expect(modeOf(directory)).toBe(0o700);
  expect(readdirSync(directory).sort()).toEqual([
    "account.pem",
    "attempts.json",
    "certificate.pem",
    "challenge-a.example.pem",
  ]);
  for (const name of readdirSync(directory)) expect(modeOf(join(directory, name)), name).toBe(0o600);
  expect(await files.attempts()).toEqual({ failures: 1, failedAt: [1], notBefore: 0 });
});

test.skipIf(process.platform === "win32")(
  "an account's key that others can read is refused by name",
  async () => {
    const { files, directory } = storedFiles();
    await files.prepare();
    await files.accountKey();
    chmodSync(join(directory, "account.pem"), 0o644);
    await expect(files.accountKey()).rejects.toMatchObject({
      code: "file",
      message: expect.stringContaining("chmod 600"),
    });
  },
);

test("the certificate and its key are replaced together; what is reserved and not used leaves nothing", async () => {
  const { files, directory } = storedFiles();
  await files.prepare();
  {
    await using _unused = await files.reserve();
    expect(readdirSync(directory)).toHaveLength(1);
  }
  expect(readdirSync(directory)).toEqual([]);
  expect(await files.certificate()).toBeUndefined();
  const pem = challengeCertificate("a.example", "", new Date());
  writeFileSync(join(directory, "certificate.pem"), pem);
  expect((await files.certificate())?.subjectAltName).toBe("DNS:a.example");
  {
    await using reserved = await files.reserve();
    // A key that does not belong to it makes it unusable.
    await reserved.store(pem.slice(pem.indexOf("-----BEGIN CERTIFICATE")), newKey());
  }
  expect(readFileSync(join(directory, "certificate.pem"), "utf8")).toMatch(
    /^-----BEGIN[\s\S]*PRIVATE KEY-----\n$/,
  );
  expect(await files.certificate()).toBeUndefined();
});

test("a start removes what an earlier process has left, and nothing else", async () => {
  const { files, directory } = storedFiles();
  await files.prepare();
  for (const name of ["challenge-a.example.pem", "certificate.pem.0123.part", "certificate.pem", "kept"]) {
    writeFileSync(join(directory, name), "x");
  }
  await files.prepare();
  expect(readdirSync(directory).sort()).toEqual(["certificate.pem", "kept"]);
});

test("a directory that cannot be made is an error with a code and the path", async () => {
  const parent = mkdtempSync(join(tmpdir(), "sallyport-acme-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  writeFileSync(join(parent, "acme"), "");
  const files = new StoredFiles(join(parent, "acme", "ca", "certificate.pem"));
  await expect(files.prepare()).rejects.toMatchObject({
    code: "file",
    message: expect.stringContaining(parent),
  });
  expect(existsSync(join(parent, "acme", "ca"))).toBe(false);
});
