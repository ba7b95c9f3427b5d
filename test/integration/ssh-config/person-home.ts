// A home directory with an SSH configuration in it, and the real ssh to ask what it makes of that. ssh finds `~` in the user
// database and not by $HOME, so the file is always named with -F.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Managed } from "../../../agent/client/ssh-config/apply.ts";
import {
  type GatewayBlock,
  gatewaySettings,
  type WorkspaceBlock,
  workspaceSettings,
} from "../../../agent/client/ssh-config/host-block.ts";
import { gatewaySection, workspaceSection } from "../../../agent/client/ssh-config/managed-config.ts";
import {
  includeArgument,
  includeSpellings,
  type SshConfigPaths,
  sshConfigPaths,
} from "../../../agent/client/ssh-config/paths.ts";
import { type Plan, planInclude, planRemoval } from "../../../agent/client/ssh-config/person/include-plan.ts";
import { type FileSystem, readPersonConfig } from "../../../agent/client/ssh-config/person/person-file.ts";
import type { Expectation, SshProgram } from "../../../agent/client/ssh-config/person/verify-alias.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseHostName, parsePort } from "../../../protocol/values/host-name.ts";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";

export const GATEWAY = parseGatewayUrl("https://gw.example");
export const TUNNELLED = "web.gw.example";
export const DIRECT = "db.gw.example";
const JUMP = "_gateway.gw.example";

export class PersonHome {
  readonly home: string;
  readonly paths: SshConfigPaths;
  readonly #program: string;

  constructor(name = "home", program = "ssh") {
    const base = mkdtempSync(join(tmpdir(), "sallyport-ssh-config-"));
    this.home = join(base, name);
    mkdirSync(join(this.home, ".ssh"), { recursive: true, mode: 0o700 });
    this.paths = sshConfigPaths({ platform: "linux", home: this.home, accountHome: "/nobody" });
    this.#program = program;
  }

  get ssh(): SshProgram {
    return { program: this.#program, env: process.env, configFile: this.paths.person, home: this.home };
  }

  async plan(fs?: FileSystem): Promise<Plan> {
    return await this.#plan(planInclude, fs);
  }

  async planRemoval(): Promise<Plan> {
    return await this.#plan(planRemoval);
  }

  async #plan(plan: typeof planInclude, fs?: FileSystem): Promise<Plan> {
    const { bytes, readOnly } = await readPersonConfig(this.paths.person, fs);
    const include = includeArgument(this.paths, "linux");
    return plan(bytes, {
      path: this.paths.person,
      include,
      spellings: includeSpellings(this.paths),
      readOnly,
    });
  }

  /** One workspace by each transport. */
  blocks(): { managed: Managed; expect: Expectation[] } {
    const place = { knownHosts: this.paths.knownHosts, platform: "linux" } as const;
    const gateway: GatewayBlock = {
      gateway: GATEWAY,
      alias: JUMP,
      hostName: parseHostName("gw.example"),
      port: parsePort(2222),
      user: "ada",
    };
    const pins = {
      identityFiles: [join(this.home, ".ssh", "my key")],
      identityAgent: join(this.home, "agent"),
    };
    const tunnelled: WorkspaceBlock = {
      gateway: GATEWAY,
      id: parseWorkspaceId(`ws_${"a".repeat(26)}`),
      alias: TUNNELLED,
      user: "ada",
      transport: { kind: "tunnel", launcher: join(this.home, "bin", "sallyport-tunnel") },
      pins,
    };
    const direct: WorkspaceBlock = {
      ...tunnelled,
      id: parseWorkspaceId(`ws_${"b".repeat(26)}`),
      alias: DIRECT,
      transport: { kind: "direct", jump: JUMP },
    };
    return {
      managed: {
        sections: [
          gatewaySection(gateway, place),
          workspaceSection(tunnelled, place),
          workspaceSection(direct, place),
        ],
        knownHosts: "",
      },
      expect: [
        { alias: JUMP, settings: gatewaySettings(gateway, place) },
        { alias: TUNNELLED, settings: workspaceSettings(tunnelled, place) },
        { alias: DIRECT, settings: workspaceSettings(direct, place) },
      ],
    };
  }

  /** All that ssh would do for a host, or that it refuses the configuration. Without -F it does not mind that there is none. */
  sshSettings(host: string): Promise<string> {
    const file = existsSync(this.paths.person) ? this.paths.person : "none";
    return new Promise((done) => {
      const child = execFile(this.#program, ["-G", "-F", file, "--", host], (error, stdout) => {
        done(error === null ? stdout : "refused");
      });
      child.stdin?.end();
    });
  }

  close(): void {
    rmSync(join(this.home, ".."), { recursive: true, force: true });
  }
}
