// The flags about the network that every command which talks to a gateway takes. They become the variables that stand in for
// them, so that a command, and the companion that ssh starts on its behalf, have one place to look. Pure.

import { UsageError } from "../../protocol/command/command.ts";
import { VARIABLE } from "../platform/network/configured-network.ts";
import { holdsCredentials } from "../platform/network/proxy/proxy-address.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const FLAGS: Readonly<Record<string, string>> = {
  "--proxy": VARIABLE.proxy,
  "--pac": VARIABLE.pac,
  "--ca": VARIABLE.ca,
  "--client-cert": VARIABLE.clientCert,
  "--client-key": VARIABLE.clientKey,
};

export const NETWORK_HELP = `
Network (see docs/networks.md; without these, HTTPS_PROXY, ALL_PROXY, NO_PROXY and an editor's http.proxy count):
  --proxy URL           go through this proxy (http, https, socks4, socks5; none: no proxy); one with a password by
                        SALLYPORT_PROXY or SALLYPORT_PROXY_FILE only
  --pac FILE|URL        let a proxy auto-configuration script choose (SALLYPORT_PROXY_PAC)
  --ca FILE             trust these authorities as well, PEM (SALLYPORT_CA)
  --client-cert FILE, --client-key FILE
                        show this certificate, PEM (SALLYPORT_CLIENT_CERT, SALLYPORT_CLIENT_KEY)
`;

/**
 * Takes the flags out of `args`, up to `--`, and puts them into the environment.
 * @throws UsageError a flag without its value, twice, or a proxy with a password
 */
export function takeNetworkFlags(
  args: readonly string[],
  env: Environment,
): { readonly args: readonly string[]; readonly env: Environment } {
  const rest: string[] = [];
  const given: Record<string, string> = {};
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") {
      rest.push(...args.slice(index));
      break;
    }
    const equals = arg.indexOf("=");
    const flag = equals === -1 ? arg : arg.slice(0, equals);
    const variable = Object.hasOwn(FLAGS, flag) ? FLAGS[flag] : undefined;
    if (variable === undefined) {
      rest.push(arg);
      continue;
    }
    const value = equals === -1 ? args[++index] : arg.slice(equals + 1);
    if (value === undefined || value === "" || (equals === -1 && value.startsWith("-"))) {
      throw new UsageError(`${flag} needs a value.`);
    }
    if (variable in given) throw new UsageError(`${flag} is given twice.`);
    if (variable === VARIABLE.proxy && holdsCredentials(value)) throw passwordInArguments();
    given[variable] = value;
  }
  return { args: rest, env: Object.keys(given).length === 0 ? env : merged(env, given) };
}

/** A flag goes before every variable, also before one of another flag that answers the same question. */
function merged(env: Environment, given: Readonly<Record<string, string>>): Environment {
  const way: readonly string[] = [VARIABLE.proxy, VARIABLE.proxyFile, VARIABLE.pac];
  const chosen = way.filter((name) => name in given);
  if (chosen.length > 1) throw new UsageError("--proxy and --pac exclude each other.");
  const overruled = chosen.length === 0 ? [] : way;
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !overruled.includes(name))),
    ...given,
  };
}

function passwordInArguments(): UsageError {
  return new UsageError(
    "A proxy's user name and password on the command line can be seen by every user of this machine: put the whole address " +
      "into SALLYPORT_PROXY, or into a file that SALLYPORT_PROXY_FILE names.",
  );
}
