// The .apk in Alpine, by apk itself: what it installs, what it leaves behind, and that the program runs.

import { expect, test } from "vitest";
import { Container } from "../support/container.ts";
import { releaseDirectory, releasedVersion } from "../support/release.ts";
import { whyNoRoot } from "../support/roots.ts";
import { added, listing } from "./listing.ts";

const release = { directory: releaseDirectory(), version: await releasedVersion() };

const FILE = `/release/sallyport_${release.version}_x86_64.apk`;
const noAlpine = whyNoRoot("alpine");

test.skipIf(noAlpine !== undefined)(
  `the .apk is installed, runs, has a service that is off, and is removed with apk, on Alpine (${noAlpine ?? "apk"})`,
  async () => {
    const mounts = [{ at: "/release", from: release.directory, options: "ro" }];
    await using container = await Container.start("alpine", { mounts, network: false });
    const before = await listing(container);

    const added_ = await container.run(["apk", "add", "--allow-untrusted", "--no-network", FILE]);
    expect(added_).toMatchObject({ code: 0 });
    const version = await container.run(["sallyport", "version", "--verbose", "--json"], { uid: 12345 });
    expect(version).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(version.stdout)).toMatchObject({
      version: release.version,
      native: { sshCiphers: true, terminals: true },
    });
    const upgrade = await container.run(["sallyport", "upgrade", "--back"]);
    expect(upgrade.stderr).toContain("apk upgrade sallyport");
    const { stdout } = await container.run(["grep", "^sallyport:", "/etc/passwd"]);
    expect(stdout).toMatch(/:\/var\/lib\/sallyport:\/sbin\/nologin$/m);
    const files = added(before, await listing(container));
    expect(files).toContain("/etc/init.d/sallyport-gateway");
    expect(files.filter((path) => path.startsWith("/etc/runlevels/"))).toEqual([]);

    expect(await container.run(["apk", "del", "--no-network", "sallyport"])).toMatchObject({ code: 0 });
    // apk keeps a copy of user files that a package's script changed.
    const left = added(before, await listing(container)).filter(
      (path) => !/^\/etc\/(passwd|group|shadow)-$/.test(path),
    );
    expect(left).toEqual([]);
  },
);

test.skipIf(noAlpine !== undefined)(
  `OpenRC starts the .apk's gateway as its own user, reloads it and stops it (${noAlpine ?? "rc-service"})`,
  async () => {
    const mounts = [{ at: "/release", from: release.directory, options: "ro" }, { at: "/run" }];
    await using container = await Container.start("alpine", { mounts });
    // The shell is process 1, which OpenRC needs: something that takes the ended processes away.
    const init = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-e"];
    const { code, stdout, stderr } = await container.run(init, { input: OPENRC });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain('{"status":"ok"}');
    expect(stdout).toMatch(/^user: sallyport$/m);
    expect(stdout).toMatch(/^data: 700 sallyport$/m);
    expect(stdout).toMatch(/^after the reload: started$/m);
    expect(stdout).toMatch(/^after the stop: 0 gateways$/m);
  },
);

const OPENRC = `
apk add --allow-untrusted --no-network ${FILE} >/dev/null 2>&1
# What OpenRC finds when it has started a machine.
mkdir -p /run/openrc
: >/run/openrc/softlevel
echo SALLYPORT_HTTP=127.0.0.1:0 >>/etc/sallyport/gateway.env
service() { rc-service --nodeps sallyport-gateway "$@"; }
service start
log=/var/log/sallyport-gateway.log
until grep -q "ready at" $log; do sleep 0.2; done
url=$(sed -n 's/.*ready at //p' $log)
wget -qO- "$url/healthz"; echo
echo "user: $(stat -c %U /proc/$(pgrep -f 'sallyport gateway$' | tail -1))"
echo "data: $(stat -c '%a %U' /var/lib/sallyport)"
service reload
echo "after the reload: $(service status 2>&1 | sed 's/.*: //')"
wget -qO- "$url/healthz" >/dev/null
service stop
echo "after the stop: $(pgrep -f 'sallyport gateway$' | wc -l) gateways"
`;
