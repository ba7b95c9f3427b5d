// Turns an error of Node's sockets, resolver, TLS or fetch into the stage that failed and a sentence about it.

import { CommandError } from "../command-error.ts";

/** @param what the target of the connection, such as the gateway's URL */
export function networkFailure(error: unknown, what: string): CommandError {
  const code = deepestCode(error);
  const options = { cause: error };
  if (/^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL)/.test(code)) {
    return new CommandError(
      "dns",
      code,
      `The host name of ${what} cannot be resolved (${code}): check the name and your network.`,
      options,
    );
  }
  if (/CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO|SELF_SIGNED|^EPROTO$/.test(code)) {
    return new CommandError("tls", code, `${what} did not prove its identity: ${tlsReason(code)}.`, options);
  }
  if (/TIMEDOUT|TIMEOUT/.test(code)) {
    return new CommandError(
      "tcp",
      code,
      `${what} did not answer in time: a firewall may be in the way.`,
      options,
    );
  }
  if (code === "ECONNREFUSED") {
    return new CommandError(
      "tcp",
      code,
      `${what} refused the connection: is the gateway running there?`,
      options,
    );
  }
  if (/^(EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)$/.test(code)) {
    return new CommandError(
      "tcp",
      code,
      `There is no route to ${what} (${code}): check your network or VPN.`,
      options,
    );
  }
  if (/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code)) {
    return new CommandError(
      "tcp",
      code,
      `${what} closed the connection: is it a gateway, and is the scheme right?`,
      options,
    );
  }
  const deepest = chain(error).at(-1);
  return new CommandError(
    "http",
    code,
    `${what} cannot be reached: ${deepest?.message ?? String(error)}.`,
    options,
  );
}

function tlsReason(code: string): string {
  if (code === "CERT_HAS_EXPIRED") return "its certificate has expired";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "its certificate is for a different name";
  if (/SELF_SIGNED/.test(code))
    return "its certificate is self-signed (NODE_EXTRA_CA_CERTS names a CA file to trust)";
  if (/^UNABLE_TO/.test(code))
    return "its certificate's issuer is unknown (NODE_EXTRA_CA_CERTS names a CA file to trust)";
  if (/^ERR_SSL|^EPROTO$/.test(code))
    return `that port does not speak TLS, or no common version of it (${code})`;
  return code;
}

function deepestCode(error: unknown): string {
  let code = "EUNKNOWN";
  for (const at of chain(error)) {
    if (at.name === "TimeoutError") return "TIMEOUT";
    if ("code" in at && typeof at.code === "string") code = at.code;
  }
  return code;
}

/** An error and its causes: fetch wraps the socket's error, and a dial to several addresses wraps one error per address. */
function chain(error: unknown): Error[] {
  const errors: Error[] = [];
  for (let at = error; at instanceof Error && errors.length < 5; ) {
    errors.push(at);
    at = at instanceof AggregateError && at.cause === undefined ? at.errors[0] : at.cause;
  }
  return errors;
}
