// Reads which identity providers there are, and the secrets of their clients, when the gateway starts.

import { dirname, resolve } from "node:path";
import { readGuardedFile } from "../../../program/private-files.ts";
import { StartError } from "../../../program/start-error.ts";
import type { IdentityOptions } from "./identity-options.ts";
import { type ProviderSettings, parseSettings, SettingsProblem } from "./settings.ts";

const MAX_PROVIDERS = 20;
const MAX_SECRET = 1_000;

export interface LoadedProvider {
  readonly settings: ProviderSettings;
  /** undefined: a public client. */
  readonly secret: string | undefined;
}

/** @throws StartError stage `file`, with the file and the field that is wrong */
export async function loadProviders({ file, provider }: IdentityOptions): Promise<LoadedProvider[]> {
  const found: { readonly settings: ProviderSettings; readonly folder: string }[] = [];
  if (provider !== null) {
    found.push({ settings: ofOptions(provider), folder: "." });
  }
  if (file !== null) {
    const entries = inFile(file, parseFile(await readRules(file)));
    for (const [index, entry] of entries.entries()) {
      const settings = inFile(file, () => parseSettings(entry, `providers/${index}`));
      found.push({ settings, folder: dirname(file) });
    }
  }
  const ids = found.map(({ settings }) => settings.id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined)
    throw new StartError("file", `There are two identity providers with the id ${twice}.`);
  // SCIM's external ids do not say at which provider they are somebody's subject.
  if (found.filter(({ settings }) => settings.scim).length > 1)
    throw new StartError(
      "file",
      "Only one identity provider may have scim: its subjects are SCIM's external ids.",
    );
  return Promise.all(
    found.map(async ({ settings, folder }) => ({ settings, secret: await readSecret(settings, folder) })),
  );
}

/** The file holds no secret, but who can change it decides who comes in. */
async function readRules(file: string): Promise<string> {
  return await readGuardedFile(file, "readers", { stage: "file", what: "The file of --identity" });
}

function parseFile(text: string): () => readonly unknown[] {
  return () => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new SettingsProblem("It", `is not JSON (${error instanceof Error ? error.message : ""}).`);
    }
    const list =
      typeof value === "object" && value !== null && "providers" in value ? value.providers : undefined;
    if (!Array.isArray(list)) throw new SettingsProblem("providers", "must be a list.");
    if (list.length > MAX_PROVIDERS) {
      throw new SettingsProblem("providers", `may have ${MAX_PROVIDERS} entries at most.`);
    }
    const stray = Object.keys(value ?? {}).find((name) => name !== "providers");
    if (stray !== undefined) throw new SettingsProblem(stray, "is not a known field.");
    return list;
  };
}

async function readSecret(
  { id, clientSecretFile }: ProviderSettings,
  folder: string,
): Promise<string | undefined> {
  if (clientSecretFile === null) return undefined;
  const path = resolve(folder, clientSecretFile);
  const text = await readGuardedFile(path, "group of root", {
    stage: "file",
    what: `The client secret of the identity provider ${id}`,
  });
  const secret = text.replace(/\r?\n$/, "");
  if (secret !== "" && secret.length <= MAX_SECRET && /^[\x20-\x7e]+$/.test(secret)) return secret;
  throw new StartError("file", `${path} must hold the client secret of ${id} in one line, and nothing else.`);
}

/** The options by the field of a file that each of them stands for. */
const OPTION_OF: Readonly<Record<string, string>> = {
  clientId: "--oidc-client-id",
  clientSecretFile: "--oidc-client-secret-file",
  scopes: "--oidc-scopes",
  allowDomains: "--oidc-allow-domain",
  allowGroups: "--oidc-allow-group",
  adminGroups: "--oidc-admin-group",
  groupsClaim: "--oidc-groups-claim",
};

function ofOptions(provider: Readonly<Record<string, unknown>>): ProviderSettings {
  try {
    return parseSettings(provider, "oidc");
  } catch (error) {
    if (!(error instanceof SettingsProblem)) throw error;
    const option = OPTION_OF[error.field.split("/")[1] ?? ""] ?? "--oidc-issuer";
    throw new StartError("file", `${option} ${error.problem}`);
  }
}

function inFile<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SettingsProblem)) throw error;
    throw new StartError("file", `${file}: ${error.message}`);
  }
}
