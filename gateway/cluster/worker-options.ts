// The options of workers: those that the primary has read, handed on in the environment. A worker that starts later must not read
// the configuration file itself, since that may have changed: all processes of a gateway have the same options.

import type { GatewayOptions } from "../program/options.ts";

const VARIABLE = "SALLYPORT_WORKER_OPTIONS";

export function environmentWith(options: GatewayOptions): NodeJS.ProcessEnv {
  return { [VARIABLE]: JSON.stringify(options) };
}

/** undefined: no primary has started this process. */
export function optionsOfWorker(env: Readonly<NodeJS.ProcessEnv>): GatewayOptions | undefined {
  const text = env[VARIABLE];
  // The primary, which is the same program, wrote it for this process.
  return text === undefined ? undefined : (JSON.parse(text) as GatewayOptions);
}
