import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { networkFrom } from "../../../agent/platform/network/configured-network.ts";
import { editorNetworkFile, thisMachine } from "../../../agent/platform/paths.ts";
import { workspace } from "./fake-vscode.ts";

vi.mock("vscode", () => import("./fake-vscode.ts"));

const endpoint = { host: "gateway.example", port: 443, secure: true };
const signal = AbortSignal.timeout(10_000);
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-editor-"));
  for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("SALLYPORT_CONFIG", home);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

/** Settings of the person, and of the folder that is open. */
function settings(own: Record<string, unknown>, folder: Record<string, unknown> = {}): void {
  const configuration = {
    get: (name: string) => folder[name] ?? own[name],
    inspect: (name: string) => ({ globalValue: own[name], workspaceValue: folder[name] }),
  };
  vi.spyOn(workspace, "getConfiguration").mockReturnValue(Object(configuration));
}

async function handedDown() {
  const { handDownNetwork } = await import("../../../extension/network.ts");
  handDownNetwork({ log: Object({ info() {}, warn() {} }) });
  return await networkFrom({ SALLYPORT_CONFIG: home }).routes(endpoint, signal);
}

test("with nothing set, calls go by the editor's own fetch and nothing is written", async () => {
  settings({});
  const { editorNetwork } = await import("../../../extension/network.ts");
  expect(editorNetwork()).toBeUndefined();
  expect(await handedDown()).toEqual([{ kind: "direct" }]);
  expect(() => statSync(editorNetworkFile(thisMachine(process.env, () => home)))).toThrow();
});

test("http.proxy is for the extension's calls and for the companion, and taken back when it is cleared", async () => {
  settings({ proxy: "http://ada:secret@proxy.example:3128", noProxy: ["other.example"] });
  const { editorNetwork } = await import("../../../extension/network.ts");
  const [route] = (await editorNetwork()?.routes(endpoint, signal)) ?? [];
  expect(route).toMatchObject({ address: { host: "proxy.example", credentials: { user: "ada" } } });
  expect(await handedDown()).toEqual([route]);
  const file = editorNetworkFile(thisMachine({ SALLYPORT_CONFIG: home }, () => home));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).toContain("proxy.example");
  settings({});
  expect(await handedDown()).toEqual([{ kind: "direct" }]);
  expect(() => statSync(file)).toThrow();
});

test("a folder's settings choose no proxy", async () => {
  settings({}, { proxy: "http://evil.example:1" });
  expect(await handedDown()).toEqual([{ kind: "direct" }]);
});

test("http.proxySupport off means none, whatever the environment says", async () => {
  vi.stubEnv("HTTPS_PROXY", "http://proxy.example:3128");
  settings({ proxySupport: "off", proxy: "http://other.example:1" });
  const { editorNetwork } = await import("../../../extension/network.ts");
  expect(await editorNetwork()?.routes(endpoint, signal)).toEqual([{ kind: "direct" }]);
});

test("with http.proxyStrictSSL off the editor's fetch is not used, since certificates are always verified", async () => {
  settings({ proxyStrictSSL: false });
  const { editorNetwork } = await import("../../../extension/network.ts");
  const network = editorNetwork();
  expect(network).toBeDefined();
  expect(await network?.tlsOptions()).toBeUndefined();
});
