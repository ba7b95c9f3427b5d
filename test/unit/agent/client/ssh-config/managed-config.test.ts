import fc from "fast-check";
import SSHConfig from "ssh-config";
import { describe, expect, test } from "vitest";
import type {
  KeyPins,
  Transport,
  WorkspaceBlock,
} from "../../../../../agent/client/ssh-config/host-block.ts";
import {
  formatManagedConfig,
  gatewaySection,
  parseManagedConfig,
  pinsOf,
  withSections,
  workspaceSection,
} from "../../../../../agent/client/ssh-config/managed-config.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { parseHostName, parsePort } from "../../../../../protocol/values/host-name.ts";
import { parseWorkspaceId } from "../../../../../protocol/values/id.ts";

const gateway = parseGatewayUrl("https://gw.example");
const other = parseGatewayUrl("https://other.example:8443/sub");
const linux = { knownHosts: "/home/ada/.ssh/sallyport/known_hosts", platform: "linux" } as const;
const windows = { knownHosts: "C:\\Users\\Ada L\\.ssh\\sallyport\\known_hosts", platform: "win32" } as const;
const tunnel: Transport = { kind: "tunnel", launcher: "/home/ada/.config/sallyport/bin/sallyport-tunnel" };

function block(change: Partial<WorkspaceBlock> = {}): WorkspaceBlock {
  const id = parseWorkspaceId(`ws_${"a".repeat(26)}`);
  return { gateway, id, alias: "web.gw.example", user: "ada", transport: tunnel, ...change };
}
const id = (letter: string) => parseWorkspaceId(`ws_${letter.repeat(26)}`);

describe("a workspace's section", () => {
  test("through the companion", () => {
    expect(workspaceSection(block(), linux).text).toBe(`Host web.gw.example
  HostName ws_aaaaaaaaaaaaaaaaaaaaaaaaaa
  Port 22
  User ada
  ProxyCommand /home/ada/.config/sallyport/bin/sallyport-tunnel https://gw.example ws_aaaaaaaaaaaaaaaaaaaaaaaaaa
  HostKeyAlias web.gw.example
  UserKnownHostsFile /home/ada/.ssh/sallyport/known_hosts
  GlobalKnownHostsFile /home/ada/.ssh/sallyport/known_hosts
  StrictHostKeyChecking yes
  VerifyHostKeyDNS no
  UpdateHostKeys no
  CanonicalizeHostname no
  CheckHostIP no
  NoHostAuthenticationForLocalhost no
  ProxyUseFdpass no
  PubkeyAuthentication yes
  PreferredAuthentications publickey
  ServerAliveInterval 30
  ServerAliveCountMax 12
  ControlMaster no
  ControlPath none
  RequestTTY auto
  Tunnel no
`);
  });

  test("through the gateway's SSH port, with pinned keys, on Windows: quotes and forward slashes", () => {
    const pins: KeyPins = {
      identityFiles: ["C:\\Users\\Ada L\\.ssh\\id_ed25519", "~/.ssh/work.pub"],
      certificateFiles: ["C:\\c\\id-cert.pub"],
      identityAgent: "\\\\.\\pipe\\openssh-ssh-agent",
    };
    const { text } = workspaceSection(
      block({ transport: { kind: "direct", jump: "_gateway.gw.example" }, pins }),
      windows,
    );
    expect(text).toContain("  ProxyJump _gateway.gw.example\n");
    expect(text).not.toContain("ProxyCommand");
    expect(text).toContain('  UserKnownHostsFile "C:/Users/Ada L/.ssh/sallyport/known_hosts"\n');
    expect(text).toContain(
      '  IdentityFile "C:/Users/Ada L/.ssh/id_ed25519"\n  IdentityFile ~/.ssh/work.pub\n',
    );
    expect(text).toContain("  CertificateFile C:/c/id-cert.pub\n  IdentitiesOnly yes\n");
    expect(text).toContain("  IdentityAgent //./pipe/openssh-ssh-agent\n");
    expect(text).not.toContain("\\");
  });

  test("names a launcher on Windows so that neither ssh nor the forks lose a backslash", () => {
    const launcher = "C:\\Users\\Ada L\\AppData\\Roaming\\sallyport\\bin\\sallyport-tunnel.cmd";
    const { text } = workspaceSection(block({ transport: { kind: "tunnel", launcher } }), windows);
    expect(text).toContain(
      `  ProxyCommand "C:/Users/Ada L/AppData/Roaming/sallyport/bin/sallyport-tunnel.cmd" https://gw.example ${id("a")}\n`,
    );
  });

  test("quotes a launcher by double quotes only, with the shell's characters escaped and % doubled", () => {
    const launcher = '/home/a b/$x`y"z\\100%';
    const { text } = workspaceSection(block({ transport: { kind: "tunnel", launcher } }), linux);
    expect(text).toContain('ProxyCommand "/home/a b/\\$x\\`y\\"z\\\\100%%" https://gw.example');
  });

  test("says each thing once, and the alive time is longer than a tunnel may be away", () => {
    for (const transport of [tunnel, { kind: "direct", jump: "j" } as const]) {
      const { text } = workspaceSection(block({ transport }), linux);
      const settings = SSHConfig.parse(text).compute("web.gw.example");
      expect(Number(settings.ServerAliveInterval) * Number(settings.ServerAliveCountMax)).toBeGreaterThan(
        300,
      );
      expect("ProxyJump" in settings).not.toBe("ProxyCommand" in settings);
      expect(text).not.toMatch(/^\s*Match|StrictHostKeyChecking (?:no|accept|off)/im);
      expect(text.match(/none/g)).toEqual(["none"]);
    }
  });

  test("refuses what would begin another line, or means nothing to somebody", () => {
    expect(() => workspaceSection(block({ user: "ada\n  ProxyCommand evil" }), linux)).toThrow(
      /User must be/,
    );
    expect(() => workspaceSection(block({ user: "" }), linux)).toThrow(/User must be/);
    const pins = { identityFiles: ["/k"], identityAgent: "none" };
    expect(() => workspaceSection(block({ pins }), linux)).toThrow(/IdentityAgent/);
  });
});

describe("the managed config", () => {
  const jump = gatewaySection(
    {
      gateway,
      alias: "_gateway.gw.example",
      hostName: parseHostName("gw.example"),
      port: parsePort(2222),
      user: "ada",
    },
    linux,
  );
  const web = workspaceSection(block(), linux);
  const far = workspaceSection(
    block({ gateway: other, id: id("b"), alias: "far.other.example-8443" }),
    linux,
  );

  test("is read back as it was written, gateways first", () => {
    const text = formatManagedConfig([far, web, jump]);
    expect(parseManagedConfig(text)).toEqual([jump, far, web]);
    expect(parseManagedConfig(text.replaceAll("\n", "\r\n"))).toEqual([jump, far, web]);
    expect(text).toMatch(/^# Written by Sallyport/);
  });

  test("leaves out what somebody has edited beyond recognition", () => {
    const text = formatManagedConfig([web, far]).replace("# workspace", "# workspce");
    expect(parseManagedConfig(text)).toEqual([web]);
    expect(parseManagedConfig("Host *\n  Port 1\n")).toEqual([]);
  });

  test("takes a new section of one workspace without touching the others", () => {
    const direct = workspaceSection(block({ transport: { kind: "direct", jump: jump.alias } }), linux);
    expect(withSections([jump, web, far], [direct])).toEqual([jump, far, direct]);
    const renamed = workspaceSection(block({ alias: "www.gw.example" }), linux);
    expect(withSections([web, far], [renamed])).toEqual([far, renamed]);
  });

  test("gives pins back that another program has put in", () => {
    expect(pinsOf(web)).toBeUndefined();
    const path = fc.string({ minLength: 1, unit: fc.constantFrom("a", " ", '"', "\\", "%", "ö", "/", "'") });
    fc.assert(
      fc.property(
        fc.array(
          path.map((one) => `/${one}`),
          { minLength: 1, maxLength: 3 },
        ),
        path,
        (identityFiles, agent) => {
          const pins = { identityFiles, identityAgent: `/${agent}` };
          expect(pinsOf(workspaceSection(block({ pins }), linux))).toEqual(pins);
        },
      ),
    );
  });
});
