import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseOpensshEd25519 } from "../../../protocol/ssh/private-key.ts";
import { encode } from "../../../protocol/ssh/wire.ts";
import { TestStack } from "../../support/link.ts";

test("a registered host knows the gateway's own keys, with which the gateway vouches for people", async () => {
  const stack = await TestStack.start(["--open"]);
  try {
    const { gatewayKeys } = await stack.host({});
    const file = join(stack.directory, "gateway", "host-keys", "ssh_host_ed25519_key");
    const key = createPublicKey(parseOpensshEd25519(readFileSync(file, "utf8")));
    const point = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
    const blob = encode("ssh-ed25519", point).toString("base64");
    expect(gatewayKeys).toHaveLength(1);
    expect(gatewayKeys[0]?.[0]).toBe(`ssh-ed25519 ${blob}`);
  } finally {
    await stack.close();
  }
});
