// What deploy/ has for compose, Fly, Heroku and Terraform: each is read as its platform reads it, and what it tells the gateway is
// given to the gateway's own parser. None of these platforms takes part.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "typebox";
import { Parse } from "typebox/value";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GatewayOptions } from "../../gateway/program/options.ts";
import { ROOT } from "../../scripts/repository.ts";
import { parseGatewayOptions } from "../support/gateway-options.ts";
import { judge, readToml, readYaml } from "./support/descriptions.ts";
import { cloudConfigSchema, missingTool } from "./support/tools.ts";

const DEPLOY = join(ROOT, "deploy");
const read = (name: string): string => readFileSync(join(DEPLOY, name), "utf8");
const Environment = Type.Record(Type.String(), Type.String());
type Environment = Record<string, string>;

/** The gateway's options by these variables, each of which has to be one of the gateway's. */
function optionsOf(environment: Environment): GatewayOptions {
  const known = new Set(readFileSync(join(ROOT, "docs/commands.md"), "utf8").match(/SALLYPORT_\w+/g));
  for (const name of Object.keys(environment)) expect(known, name).toContain(name);
  return parseGatewayOptions([], environment).options;
}

const python = missingTool("python3");
const needs = (missing: string | undefined): string =>
  missing === undefined ? "" : ` (skipped: ${missing})`;

describe.skipIf(python !== undefined)(`compose${needs(python)}`, () => {
  const Compose = Type.Object({
    services: Type.Object({
      gateway: Type.Object({
        environment: Environment,
        ports: Type.Array(Type.String()),
        healthcheck: Type.Optional(Type.Object({ test: Type.Array(Type.String()) })),
      }),
    }),
  });

  /** As compose does it: `${NAME:-default}`, `${NAME:?why}`, `${NAME}`. */
  function interpolate(text: string, given: Environment): string {
    return text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind, otherwise: string) => {
      const value = given[name];
      if (value !== undefined && value !== "") return value;
      if (kind === "?") throw new Error(otherwise);
      return otherwise ?? "";
    });
  }

  async function service(name: string, given: Environment) {
    const [document] = await readYaml(interpolate(read(name), given));
    return Parse(Compose, document).services.gateway;
  }

  test("by itself: certificate by ACME, SSH, no token in the log, and the check that the image has", async () => {
    const { environment, ports, healthcheck } = await service("compose.yaml", {
      SALLYPORT_HOST: "gateway.example",
    });
    expect(optionsOf(environment)).toMatchObject({
      publicUrl: "https://gateway.example",
      http: { host: "0.0.0.0", port: 8443 },
      acme: { names: ["gateway.example"] },
      ssh: { port: 2222 },
      publicSsh: { host: "gateway.example", port: 2222 },
      firstToken: false,
    });
    expect(ports).toEqual(["80:8080", "443:8443", "2222:2222"]);
    expect(healthcheck?.test).toEqual(["CMD", "sallyport", "gateway", "health"]);
    await expect(service("compose.yaml", {})).rejects.toThrow("the gateway's name, such as gateway.example");
  });

  test("is confined: nobody's user, nothing to write but its data, no capability", async () => {
    const [document] = await readYaml(read("compose.yaml"));
    expect(document).toMatchObject({
      services: {
        gateway: {
          user: "65532:65532",
          read_only: true,
          tmpfs: ["/tmp"],
          cap_drop: ["ALL"],
          security_opt: ["no-new-privileges:true"],
          volumes: ["data:/var/lib/sallyport"],
        },
      },
      volumes: { data: {} },
    });
  });

  test("behind a reverse proxy: plain HTTP for this machine alone, whose addresses count", async () => {
    const given = { SALLYPORT_HOST: "gateway.example", SALLYPORT_SSH_PORT: "22" };
    const first = await service("compose.yaml", given);
    const { environment, ports } = await service("compose.behind-proxy.yaml", given);
    expect(optionsOf({ ...first.environment, ...environment })).toMatchObject({
      publicUrl: "https://gateway.example",
      http: { port: 8080 },
      acme: null,
      tls: null,
      trustProxy: ["172.16.0.0/12", "192.168.0.0/16"],
      publicSsh: { host: "gateway.example", port: 22 },
    });
    expect(ports).toEqual(["127.0.0.1:8080:8080", "22:2222"]);
  });
});

describe("Fly and Heroku", () => {
  test.skipIf(python !== undefined)(
    "Fly: HTTPS by its proxy, SSH with the PROXY protocol, a volume",
    async () => {
      const fly = await readToml(read("fly/fly.toml"));
      const { env } = Parse(Type.Object({ env: Environment }), fly);
      expect(optionsOf(env)).toMatchObject({
        publicUrl: "https://gateway-example.fly.dev",
        http: { port: 8080 },
        ssh: { port: 2222 },
        publicSsh: { host: "gateway-example.fly.dev", port: 22 },
        dataDir: "/data/gateway",
        trustedProxies: ["172.16.0.0/12", "fdaa::/16"],
        firstToken: false,
      });
      expect(fly).toMatchObject({
        mounts: { destination: "/data" },
        services: [
          {
            internal_port: 8080,
            ports: [
              { port: 80, force_https: true },
              { port: 443, handlers: ["tls", "http"] },
            ],
          },
          {
            internal_port: 2222,
            ports: [{ port: 22, handlers: ["proxy_proto"], proxy_proto_options: { version: "v2" } }],
          },
        ],
      });
    },
  );

  test("Heroku: the values of app.json fit the gateway; test/integration/networks/ runs the Procfile", () => {
    const Description = Type.Object({
      env: Type.Record(Type.String(), Type.Object({ value: Type.Optional(Type.String()) })),
    });
    const { env } = Parse(Description, JSON.parse(read("heroku/app.json")));
    const given = Object.entries(env).map(([name, { value }]) => [
      name,
      value ?? "https://name.herokuapp.com",
    ]);
    const options = optionsOf({ ...Object.fromEntries(given), SALLYPORT_HTTP: "0.0.0.0:5000" });
    expect(options).toMatchObject({ trustProxy: ["10.0.0.0/8"], open: true, ssh: null });
    expect(JSON.parse(read("heroku/package.json"))).toMatchObject({
      dependencies: { sallyport: "file:sallyport.tgz" },
    });
  });
});

const systemd = missingTool("systemd-analyze");

test.skipIf(systemd !== undefined)(
  `the unit in docs/deploying.md is one that systemd takes${needs(systemd)}`,
  () => {
    const document = readFileSync(join(ROOT, "docs/deploying.md"), "utf8");
    const unit = /```ini\n([\s\S]*?)```/.exec(document)?.[1] ?? "";
    const directory = mkdtempSync(join(tmpdir(), "sallyport-unit-"));
    const verify = (text: string) => {
      writeFileSync(join(directory, "sallyport-gateway.service"), text);
      const args = ["verify", "--man=no", "--recursive-errors=no", "./sallyport-gateway.service"];
      const { status, stderr } = spawnSync("systemd-analyze", args, { cwd: directory, encoding: "utf8" });
      return { status, stderr };
    };
    try {
      const here = unit.replace("/usr/local/bin/sallyport", process.execPath);
      expect(verify(here)).toEqual({ status: 0, stderr: "" });
      expect(verify(here.replace("KillMode=mixed", "KillMode=some")).stderr).toMatch(/kill ?mode/i);
      const lines = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = ""]) => line.split(" "));
      const options = optionsOf(Object.fromEntries(lines.map((line) => line.split(/=(.*)/).slice(0, 2))));
      expect(options).toMatchObject({ acme: { names: ["gateway.example"] }, ssh: { port: 2222 } });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

const terraform = python ?? missingTool("terraform");

describe.skipIf(terraform !== undefined)(`the Terraform module${needs(terraform)}`, () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "sallyport-terraform-"));
    cpSync(join(DEPLOY, "terraform"), directory, { recursive: true });
    expect(run("init", "-backend=false", "-input=false")).toMatchObject({ status: 0 });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function run(...args: string[]) {
    const env = { ...process.env, TF_CLI_CONFIG_FILE: "/dev/null", CHECKPOINT_DISABLE: "1" };
    const { status, stdout, stderr } = spawnSync("terraform", args, {
      cwd: directory,
      env,
      encoding: "utf8",
    });
    return { status, stdout, stderr };
  }

  const NEEDED = {
    host: "gateway.example",
    package_url: "https://other.example/bin/sallyport_0.1.0_amd64.deb",
    package_sha256: "0".repeat(64),
  };

  function apply(variables: object) {
    const path = join(directory, "test.tfvars.json");
    writeFileSync(path, JSON.stringify({ ...NEEDED, ...variables }));
    return run("apply", "-auto-approve", "-input=false", "-no-color", `-var-file=${path}`);
  }

  async function userData(variables: object): Promise<string> {
    const applied = apply(variables);
    expect(applied.status, applied.stderr).toBe(0);
    return run("output", "-raw", "user_data").stdout;
  }

  const File = Type.Object({ path: Type.String(), permissions: Type.String(), content: Type.String() });
  const CloudConfig = Type.Object({ write_files: Type.Array(File) });

  test("is formatted and valid", () => {
    expect(run("fmt", "-check", "-diff")).toMatchObject({ status: 0, stdout: "" });
    expect(run("validate", "-no-color").stdout).toContain("The configuration is valid");
  });

  const everything = {
    acme_email: "ops@example.com",
    data_device: "/dev/disk/by-id/scsi-0DO_Volume_sallyport",
    ssh_port: 0,
    settings: { SALLYPORT_WORKERS: "auto", SALLYPORT_OPEN: "true" },
  };

  test.each([
    ["with what is needed", {}],
    ["with everything", everything],
  ])("makes user data that cloud-init accepts, %s", async (_what, variables) => {
    const text = await userData(variables);
    expect(text).toMatch(/^#cloud-config\n/);
    const [document] = await readYaml(text);
    expect(await judge(document, await cloudConfigSchema())).toEqual([]);
    for (const { path, content } of Parse(CloudConfig, document).write_files) {
      if (content.startsWith("#!/bin/sh")) execFileSync("sh", ["-n"], { input: content });
      else expect(path).toBe("/etc/sallyport/gateway.env");
    }
  });

  test("the judge of user data would find a wrong key", async () => {
    const wrong = { write_files: [{ content: "without a path" }], mounts: "none" };
    expect(await judge(wrong, await cloudConfigSchema())).not.toEqual([]);
  });

  test("writes options that the gateway takes, in a file of root's", async () => {
    const options = async (variables: object) => {
      const [document] = await readYaml(await userData(variables));
      const file = Parse(CloudConfig, document).write_files.find(
        ({ path }) => path === "/etc/sallyport/gateway.env",
      );
      expect(file?.permissions).toBe("0600");
      const lines = (file?.content ?? "").trim().split("\n");
      return optionsOf(Object.fromEntries(lines.map((line) => line.split(/=(.*)/).slice(0, 2))));
    };
    expect(await options({})).toMatchObject({
      publicUrl: "https://gateway.example",
      http: { host: "::", port: 443 },
      ssh: { host: "::", port: 2222 },
      acme: { names: ["gateway.example"], email: null },
      firstToken: false,
    });
    expect(await options(everything)).toMatchObject({
      ssh: null,
      open: true,
      acme: { email: "ops@example.com" },
    });
  });

  test.each([
    ["host", { host: "localhost" }],
    ["package_url", { package_url: "http://other.example/x.deb" }],
    ["package_url", { package_url: "https://other.example/x'; reboot '.deb" }],
    ["package_sha256", { package_sha256: "abc" }],
    ["ssh_port", { ssh_port: 443 }],
    ["data_device", { data_device: "/dev/sda; reboot" }],
    ["settings", { settings: { PATH: "/tmp" } }],
    ["settings", { settings: { SALLYPORT_OPEN: "true\nLD_PRELOAD=/tmp/x" } }],
  ])("refuses a %s that is wrong", (name, variables) => {
    const refused = apply(variables);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(`var.${name}`);
  });

  test("leaves nothing in the repository", () => {
    expect(
      readdirSync(join(DEPLOY, "terraform")).filter((name) => /^\.terraform|tfstate/.test(name)),
    ).toEqual([]);
  });
});
