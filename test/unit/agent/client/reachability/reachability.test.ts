import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  networkFingerprint,
  routerOf,
} from "../../../../../agent/client/reachability/network-fingerprint.ts";
import {
  chooseTransport,
  judge,
  type Probe,
  probeSsh,
} from "../../../../../agent/client/reachability/reachability.ts";
import {
  MAX_AGE_MS,
  ReachabilityCache,
} from "../../../../../agent/client/reachability/reachability-cache.ts";

/** For what does not test the time limit. */
const patient = { timeoutMs: 60_000 };
const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A listener that does `serve` with each connection; returns where. */
async function listener(serve: (socket: Socket) => void) {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { host: "127.0.0.1", port: typeof address === "object" && address !== null ? address.port : 0 };
}

describe("a probe", () => {
  test("finds a port open when the SSH version arrives, after other lines too", async () => {
    const at = await listener((socket) => {
      socket.write("welcome\r\nto us\r\nSSH-2");
      socket.write(".0-Sally");
      socket.once("data", () => socket.write("port\r\n"));
    });
    expect(await probeSsh(at, patient)).toMatchObject({ kind: "open", banner: "SSH-2.0-Sallyport" });
  });

  test("finds a closed port refused", async () => {
    const at = await listener(() => undefined);
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
    expect(await probeSsh(at, patient)).toMatchObject({ kind: "blocked", how: "refused" });
  });

  test("finds a port silent that accepts and says nothing, or hangs up", async () => {
    const asked = Promise.withResolvers<void>();
    const silent = await listener((socket) => socket.once("data", () => asked.resolve()));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const probing = probeSsh(silent, { timeoutMs: 100 });
      await asked.promise;
      vi.advanceTimersByTime(100);
      expect(await probing).toMatchObject({ kind: "blocked", how: "silent" });
    } finally {
      vi.useRealTimers();
    }
    const gone = await listener((socket) => socket.resume().end());
    expect(await probeSsh(gone, patient)).toMatchObject({ kind: "blocked", how: "silent" });
  });

  test("finds a port open whose version had arrived when this process came out of a pause", async () => {
    const at = await listener((socket) => {
      socket.write("SSH-2.0-Sallyport\r\n");
      // The pause itself: nothing in this process runs for longer than the probe's time limit.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    });
    expect(await probeSsh(at, { timeoutMs: 250 })).toMatchObject({ kind: "open" });
  });

  test("finds a web server's or a chatterbox's answer not to be SSH", async () => {
    const portal = await listener((socket) => {
      socket.once("data", () => socket.write("HTTP/1.1 302 Found\r\nLocation: http://login\r\n"));
    });
    expect(await probeSsh(portal, patient)).toMatchObject({ kind: "blocked", how: "not-ssh" });
    const chatter = await listener((socket) => socket.write("220 mail\r\n".repeat(1_000)));
    expect(await probeSsh(chatter, patient)).toMatchObject({ kind: "blocked", how: "not-ssh" });
  });

  test("finds a name without an address to be unknown", async () => {
    expect(await probeSsh({ host: "nowhere.invalid", port: 22 }, patient)).toMatchObject({ how: "dns" });
  });

  test("finds an address that never answers to be blocked", async () => {
    // TEST-NET-1 (RFC 5737): routed nowhere, or refused by the next router.
    const probe = await probeSsh({ host: "192.0.2.1", port: 22 }, { timeoutMs: 150 });
    expect(probe).toMatchObject({ kind: "blocked" });
    expect(probe.kind === "blocked" && ["dropped", "refused"]).toContain(
      probe.kind === "blocked" ? probe.how : "",
    );
  });

  test("ends with the reason of its signal", async () => {
    const at = await listener(() => undefined);
    const reason = new Error("enough");
    const aborter = new AbortController();
    const probing = probeSsh(at, { signal: aborter.signal });
    aborter.abort(reason);
    await expect(probing).rejects.toBe(reason);
  });

  test("waits for the whole version line", () => {
    expect(judge("SSH-2.0-x")).toBeUndefined();
    expect(judge("SSH-2.0-x\r\n")).toEqual({ banner: "SSH-2.0-x" });
    expect(judge("<html>")).toBe("not-ssh");
  });
});

describe("the transport", () => {
  const open: Probe = { kind: "open", ms: 1, banner: "SSH-2.0-x" };
  const silent: Probe = { kind: "blocked", how: "silent", ms: 3000 };
  test("is direct where the port is open, else the tunnel, unless the person chose", () => {
    expect(chooseTransport("auto", open)).toEqual({ transport: "direct", because: "open" });
    expect(chooseTransport("auto", silent)).toEqual({ transport: "tunnel", because: "silent" });
    expect(chooseTransport("auto", undefined)).toEqual({ transport: "tunnel", because: "no-ssh-port" });
    expect(chooseTransport("direct", silent)).toEqual({ transport: "direct", because: "chosen" });
    expect(chooseTransport("tunnel", open)).toEqual({ transport: "tunnel", because: "chosen" });
  });
});

describe("the cache", () => {
  const at = { host: "gw.example", port: 22 };
  function cache(answers: Probe[]) {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-cache-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const world = { now: 1_000_000, network: "home", probes: 0 };
    const make = () =>
      new ReachabilityCache({
        directory,
        now: () => world.now,
        network: () => world.network,
        probe: () => {
          world.probes++;
          return Promise.resolve(answers[world.probes - 1] ?? { kind: "open", ms: 1, banner: "SSH-2.0-x" });
        },
      });
    return { world, make, path: join(directory, "reachability.json") };
  }
  const blocked: Probe = { kind: "blocked", how: "dropped", ms: 3000 };

  test("holds for five minutes, on one network, in another window too", async () => {
    const { world, make, path } = cache([blocked]);
    expect(await make().ask(at)).toEqual({ ...blocked, cached: false });
    expect(await make().ask(at)).toEqual({ ...blocked, cached: true });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    world.network = "café";
    expect(await make().ask(at)).toMatchObject({ kind: "open", cached: false });
    world.network = "home";
    expect(await make().ask(at)).toEqual({ ...blocked, cached: true });
    world.now += MAX_AGE_MS;
    expect(await make().ask(at)).toMatchObject({ kind: "open", cached: false });
    expect(world.probes).toBe(3);
  });

  test("is passed over when a fresh answer is asked for, and told apart by port", async () => {
    const { world, make } = cache([blocked]);
    const one = make();
    await one.ask(at);
    expect(await one.ask(at, { fresh: true })).toMatchObject({ kind: "open", cached: false });
    expect(await one.ask(at)).toMatchObject({ kind: "open", cached: true });
    expect(await one.ask({ ...at, port: 2222 })).toMatchObject({ cached: false });
    expect(world.probes).toBe(3);
  });

  test("makes one probe for several questions at once", async () => {
    const { world, make } = cache([blocked]);
    const one = make();
    await Promise.all([one.ask(at), one.ask(at), one.ask(at)]);
    expect(world.probes).toBe(1);
  });

  test("is empty when its file is damaged, and mends it", async () => {
    const { make, path } = cache([blocked]);
    writeFileSync(path, '{"version":1,"entries":[{"probe":"no"}]}', { mode: 0o600 });
    expect(await make().ask(at)).toMatchObject({ cached: false });
    expect(JSON.parse(readFileSync(path, "utf8")).entries).toHaveLength(1);
  });
});

describe("the network's fingerprint", () => {
  const info = (cidr: string, internal = false) => {
    const address = cidr.split("/")[0] ?? "";
    const base = { address, netmask: "", mac: "00:00:00:00:00:00", internal, cidr };
    return address.includes(":")
      ? { ...base, family: "IPv6" as const, scopeid: 0 }
      : { ...base, family: "IPv4" as const };
  };
  const home = {
    lo: [info("127.0.0.1/8", true)],
    wlan0: [info("192.168.1.7/24"), info("2001:db8:1:2::7/64")],
  };
  const print = networkFingerprint(home, "wlan0 192.168.1.1 aa:bb");

  test("stays with a new address of the same network, and with containers", () => {
    const later = {
      wlan0: [info("2001:db8:1:2:a:b:c:d/64"), info("192.168.1.200/24"), info("fe80::1/64")],
      docker0: [info("172.17.0.1/16")],
    };
    expect(networkFingerprint(later, "wlan0 192.168.1.1 aa:bb")).toBe(print);
  });

  test("differs with another network, another router, or a VPN", () => {
    const others = [
      networkFingerprint(
        { wlan0: [info("192.168.2.7/24"), info("2001:db8:1:2::7/64")] },
        "wlan0 192.168.1.1 aa:bb",
      ),
      networkFingerprint(home, "wlan0 192.168.1.1 cc:dd"),
      networkFingerprint({ ...home, tun0: [info("10.8.0.2/20")] }, "wlan0 192.168.1.1 aa:bb"),
      networkFingerprint({}, ""),
    ];
    expect(new Set([print, ...others]).size).toBe(5);
  });

  test("takes the router's hardware address from the kernel", () => {
    const route =
      "Iface\tDestination\tGateway\tFlags\nwlan0\t00000000\t0101A8C0\t0003\nwlan0\t0001A8C0\t00000000\t0001\n";
    const arp =
      "IP address       HW type     Flags       HW address            Mask     Device\n192.168.1.1      0x1         0x2         aa:bb:cc:dd:ee:ff     *        wlan0\n";
    expect(routerOf(route, arp)).toBe("wlan0 192.168.1.1 aa:bb:cc:dd:ee:ff");
    expect(routerOf("", "")).toBe("");
  });
});
