// Everything that is configured about the way to a gateway, gathered from the environment (in which a command's flags have
// been put) and from what an editor handed down. Read at each start of a companion, so nothing is loaded or opened that is
// not configured.

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { CommandError } from "../command.ts";
import { systemCode } from "../files/private-file.ts";
import { type Machine, thisMachine } from "../paths.ts";
import { readEditorNetwork } from "./editor-network.ts";
import { Network } from "./network.ts";
import { parseProxyAddress } from "./proxy-address.ts";
import type { EditorProxy, OwnProxy } from "./proxy-choice.ts";
import type { TrustSettings } from "./trust.ts";

/** What stands in for `--proxy`, `--pac`, `--ca`, `--client-cert` and `--client-key`. */
export const VARIABLE = {
  proxy: "SALLYPORT_PROXY",
  proxyFile: "SALLYPORT_PROXY_FILE",
  pac: "SALLYPORT_PROXY_PAC",
  ca: "SALLYPORT_CA",
  clientCert: "SALLYPORT_CLIENT_CERT",
  clientKey: "SALLYPORT_CLIENT_KEY",
} as const;

/**
 * The network as this process is to use it.
 * @throws CommandError stage `proxy` or `file`: something configured is not what it should be
 */
export function networkFrom(env: Machine["env"]): Network {
  const machine = thisMachine(env, homedir);
  return networkOf(env, readEditorNetwork(machine));
}

/** For an editor itself, which knows its settings without the file. */
export function networkOf(env: Machine["env"], editor: EditorProxy | undefined): Network {
  return new Network({ own: ownProxy(env), editor, env }, trustSettings(env));
}

/** Whether the environment says something for Sallyport alone. */
export function hasOwnSettings(env: Machine["env"]): boolean {
  return Object.values(VARIABLE).some((name) => given(env, name) !== undefined);
}

/** @throws CommandError stage `proxy` or `file` */
export function ownProxy(env: Machine["env"]): OwnProxy | undefined {
  const proxy = given(env, VARIABLE.proxy);
  if (proxy !== undefined) return proxyOrNone(proxy, VARIABLE.proxy);
  const file = given(env, VARIABLE.proxyFile);
  if (file !== undefined) return proxyOrNone(readProxyFile(file), `The first line of ${file}`);
  const pac = given(env, VARIABLE.pac);
  return pac === undefined ? undefined : { kind: "pac", source: pac, from: VARIABLE.pac };
}

/** A file that the person named: its mode is theirs to choose, as for a token file. */
function readProxyFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = systemCode(cause);
    throw new CommandError(
      "file",
      code,
      `Cannot read ${path}, which ${VARIABLE.proxyFile} names (${code}).`,
      {
        cause,
      },
    );
  }
}

function proxyOrNone(text: string, from: string): OwnProxy {
  const [line = ""] = text.trim().split(/\r?\n/);
  if (line === "none") return { kind: "none", from };
  return { kind: "proxy", address: parseProxyAddress(line, from), from };
}

function trustSettings(env: Machine["env"]): TrustSettings {
  return {
    caFile: given(env, VARIABLE.ca),
    clientCertFile: given(env, VARIABLE.clientCert),
    clientKeyFile: given(env, VARIABLE.clientKey),
    nodeExtraCaFile: given(env, "NODE_EXTRA_CA_CERTS"),
    systemCaFile: given(env, "SSL_CERT_FILE"),
  };
}

function given(env: Machine["env"], name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === "" ? undefined : value;
}
