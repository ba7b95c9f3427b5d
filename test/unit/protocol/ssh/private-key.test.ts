import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { opensshEd25519 } from "../../../../protocol/ssh/private-key.ts";

/** A key whose public half begins with a zero byte: one in 256, and the one that a careless writer gets wrong. */
function keyWithLeadingZero(): KeyObject {
  for (;;) {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const { x } = publicKey.export({ format: "jwk" });
    if (Buffer.from(x ?? "", "base64url")[0] === 0)
      return createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
  }
}

test("an ed25519 key file is one that ssh-keygen reads, also where the public key begins with a zero byte", () => {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-key-"));
  try {
    for (const key of [generateKeyPairSync("ed25519").privateKey, keyWithLeadingZero()]) {
      const file = join(directory, `key-${Math.random()}`);
      writeFileSync(file, opensshEd25519(key), { mode: 0o600 });
      const line = execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" });
      const { x } = key.export({ format: "jwk" });
      expect(
        Buffer.from(line.split(" ")[1] ?? "", "base64")
          .subarray(-32)
          .toString("base64url"),
      ).toBe(x);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
