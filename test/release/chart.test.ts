// The Helm chart, by Helm itself and by the schemas of Kubernetes. No cluster takes part.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chartStep } from "../../packaging/release/chart.ts";
import { ROOT } from "../../scripts/repository.ts";
import { parseGatewayOptions } from "../support/gateway-options.ts";
import { readYaml } from "./support/descriptions.ts";
import { helm, kubernetesValidate, missingTool } from "./support/tools.ts";

const CHART = join(ROOT, "deploy", "helm", "sallyport");
const VALUES = readdirSync(join(CHART, "ci"));
/** The oldest that the schemas reach back to and that still gets fixes somewhere, and the newest. */
const KUBERNETES = ["1.30.0", "1.37.0"];

interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template?: { readonly spec: { readonly containers: readonly Container[] } } };
}

const missing = missingTool("go") ?? missingTool("python3");

describe.skipIf(missing !== undefined)(
  `the chart${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let program: string;
    let schemas: string;
    let directory: string;
    beforeAll(async () => {
      program = await helm();
      schemas = await kubernetesValidate();
      directory = mkdtempSync(join(tmpdir(), "sallyport-chart-"));
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    function run(args: readonly string[]) {
      const env = {
        ...process.env,
        HELM_CACHE_HOME: directory,
        HELM_CONFIG_HOME: directory,
        HELM_DATA_HOME: directory,
      };
      const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: "utf8" });
      return { code: status, stdout, stderr };
    }

    const values = (name: string) => ["--values", join(CHART, "ci", name)];

    function template(name: string, kubernetes = "1.37.0", chart = CHART): string {
      const { code, stdout, stderr } = run([
        "template",
        "r",
        chart,
        ...values(name),
        "--kube-version",
        kubernetes,
      ]);
      expect(stderr).not.toContain("Error");
      expect(code, stderr).toBe(0);
      return stdout;
    }

    const rendered = async (name: string) => (await readYaml(template(name))) as Manifest[];

    async function deployment(name: string): Promise<Manifest> {
      const found = (await rendered(name)).find(({ kind }) => kind === "Deployment");
      if (found === undefined) throw new Error("there is no Deployment");
      return found;
    }

    test.each(VALUES)("with ci/%s lints strictly, and Kubernetes knows all that it renders", (name) => {
      const linted = run(["lint", "--strict", CHART, ...values(name), "--kube-version", "1.37.0"]);
      expect(linted, linted.stdout + linted.stderr).toMatchObject({ code: 0 });
      for (const version of KUBERNETES) {
        const file = join(directory, `${version}-${name}`);
        writeFileSync(file, template(name, version));
        const args = [
          "-m",
          "kubernetes_validate.__main__",
          "--strict",
          "--kubernetes-version",
          version,
          file,
        ];
        const checked = spawnSync("python3", args, {
          env: { ...process.env, PYTHONPATH: schemas },
          encoding: "utf8",
        });
        expect(checked.status, checked.stdout + checked.stderr).toBe(0);
        expect(checked.stdout + checked.stderr).toContain("passed for resource deployment/");
      }
    });

    test("the check of the manifests would find a wrong one", () => {
      const file = join(directory, "wrong.yaml");
      writeFileSync(file, template("plain.yaml").replace("containerPort: 8080", "containerPort: x80"));
      const args = ["-m", "kubernetes_validate.__main__", "--strict", file];
      const checked = spawnSync("python3", args, {
        env: { ...process.env, PYTHONPATH: schemas },
        encoding: "utf8",
      });
      expect(checked.status).not.toBe(0);
      expect(checked.stdout + checked.stderr).toContain("x80");
    });

    test.each(VALUES)("with ci/%s gives the gateway options that it takes", async (name) => {
      const [container] = (await deployment(name)).spec.template?.spec.containers ?? [];
      const env = Object.fromEntries((container?.env ?? []).map((one) => [one.name, one.value]));
      expect(() => parseGatewayOptions([], env)).not.toThrow();
      // Each does something.
      const known = new Set(readFileSync(join(ROOT, "docs", "commands.md"), "utf8").match(/SALLYPORT_\w+/g));
      for (const variable of Object.keys(env)) expect(known, variable).toContain(variable);
    });

    test.each(VALUES)(
      "with ci/%s the pod is one, restricted, and without a token of the cluster",
      async (name) => {
        expect(await deployment(name)).toMatchObject({
          spec: {
            replicas: 1,
            strategy: { type: "Recreate" },
            template: {
              spec: {
                automountServiceAccountToken: false,
                securityContext: {
                  runAsNonRoot: true,
                  runAsUser: 65532,
                  fsGroupChangePolicy: "OnRootMismatch",
                  seccompProfile: { type: "RuntimeDefault" },
                },
                containers: [
                  {
                    command: ["sallyport", "gateway"],
                    securityContext: {
                      allowPrivilegeEscalation: false,
                      readOnlyRootFilesystem: true,
                      capabilities: { drop: ["ALL"] },
                    },
                  },
                ],
              },
            },
          },
        });
      },
    );

    test("passes on what the load balancer, the ingress and the policies need", async () => {
      const all = await rendered("everything.yaml");
      const of = (kind: string, name = "r-sallyport") =>
        all.find((one) => one.kind === kind && one.metadata.name === name);
      expect(of("Service", "r-sallyport-ssh")).toMatchObject({
        spec: { type: "LoadBalancer", ports: [{ port: 22 }] },
      });
      expect(of("Ingress")).toMatchObject({
        spec: { rules: [{ host: "gateway.example" }, { host: "*.apps.gateway.example" }] },
      });
      expect(of("NetworkPolicy")).toMatchObject({ spec: { policyTypes: ["Ingress", "Egress"], egress: [] } });
      expect(of("PodDisruptionBudget")).toMatchObject({ spec: { maxUnavailable: 0 } });
      expect(of("ServiceMonitor")).toBeDefined();
      const [container] = (await deployment("everything.yaml")).spec.template?.spec.containers ?? [];
      expect(container?.env).toContainEqual({ name: "SALLYPORT_TRUSTED_PROXIES", value: "10.0.0.0/8" });
      expect(container?.env).toContainEqual({
        name: "SALLYPORT_PUBLIC_SSH",
        value: "ssh.gateway.example:22",
      });
    });

    test.each([
      ["a value that it does not have", ["--set", "persistance.enabled=false"], "persistance"],
      ["a wrong type", ["--set", "service.port=eighty"], "port"],
      ["several replicas", ["--set", "replicas=2"], "replicas"],
      ["a URL with a path", ["--set", "publicUrl=https://gateway.example/sallyport"], "publicUrl"],
      ["no public URL", ["--set", "publicUrl="], "publicUrl says by what address"],
      ["no image", ["--set", "image.repository="], "image.repository says where"],
    ])("refuses %s", (_what, args, named) => {
      const refused = run([
        "template",
        "r",
        CHART,
        ...values("plain.yaml"),
        "--kube-version",
        "1.37.0",
        ...args,
      ]);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain(named);
    });

    test("says what to do next, and warns of what will hurt", () => {
      const copy = join(directory, "notes");
      cpSync(CHART, copy, { recursive: true });
      const notes = '{{ include (print $.Template.BasePath "/NOTES.txt") . | nindent 2 }}';
      writeFileSync(join(copy, "templates", "notes.yaml"), `kind: Notes\ntext: |\n  ${notes}\n`);
      const said = (name: string) => template(name, "1.37.0", copy).split("kind: Notes")[1] ?? "";
      expect(said("plain.yaml")).toContain(
        "kubectl -n default exec deploy/r-sallyport -- sallyport gateway invite admin --sign-in",
      );
      expect(said("plain.yaml")).toContain("Nothing outside of the cluster reaches it yet");
      expect(said("throwaway.yaml")).toContain("WARNING: persistence is off");
      expect(said("everything.yaml")).not.toContain("WARNING");
    });

    test("in a release it has the release's version, nothing of the tests, and the same bytes each time", async () => {
      const made = [];
      for (const name of ["one", "two"]) {
        const out = join(directory, name);
        mkdirSync(join(out, "work"), { recursive: true });
        await chartStep({ version: "9.8.7", directory: out, work: join(out, "work"), time: 1_700_000_000 });
        made.push(join(out, "sallyport-chart-9.8.7.tgz"));
      }
      const [one = "", two = ""] = made;
      expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
      const members = execFileSync("tar", ["-tzf", one], { encoding: "utf8" }).trim().split("\n");
      expect(members).toContain("sallyport/values.schema.json");
      expect(members.filter((member) => member.includes("/ci/"))).toEqual([]);
      expect(run(["show", "chart", one]).stdout).toMatch(/^appVersion: 9\.8\.7$[\s\S]*^version: 9\.8\.7$/m);
      expect(template("plain.yaml", "1.37.0", one)).toContain('image: "registry.example/sallyport:9.8.7"');
    });
  },
);
