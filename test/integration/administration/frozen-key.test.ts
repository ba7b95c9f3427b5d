// A frozen key that has a certificate of the gateway's user CA as well.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseKeyId } from "../../../protocol/values/id.ts";
import { finished, SshStack } from "../../support/ssh/gateway-ssh.ts";
import { temporaryDirectory } from "../../support/test-gateway.ts";

test("A frozen key does not come in by its certificate either", async () => {
  await using cleanup = new AsyncDisposableStack();
  const ca = join(temporaryDirectory(), "ca");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", ca]);
  const ssh = await SshStack.start({ args: ["--user-ca", `${ca}.pub`] });
  cleanup.defer(() => ssh.close());
  const ada = await ssh.account("ada");
  const key = await ssh.keyOf(ada, "id");
  await ssh.host(ada, "dev");
  const signed = ["-I", "ada", "-n", "ada", "-V", "-1m:+10m", `${key}.pub`];
  execFileSync("ssh-keygen", ["-q", "-s", ca, ...signed]);
  ssh.configure(["Host *", `  IdentityFile ${key}`, `  CertificateFile ${key}-cert.pub`]);
  expect(await finished(ssh.start(["dev@gw", "true"]))).toMatchObject({ code: 0 });
  const { freezing, keys } = ssh.gateway.store;
  const id = parseKeyId((await keys.list(ada.id))[0]?.id);
  await freezing.key(ada.id, id, { account: "ada" });
  for (const args of [
    ["dev@gw", "true"],
    ["-J", "gw", "dev", "true"],
  ]) {
    const refused = await finished(ssh.start(args));
    expect(refused.code, args.join(" ")).toBe(255);
    expect(refused.stderr).toContain("This key is frozen.");
  }
  await freezing.unfreezeKey(ada.id, id, { account: "ada" });
  expect(await finished(ssh.start(["dev@gw", "true"]))).toMatchObject({ code: 0 });
});
