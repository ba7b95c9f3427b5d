// What went wrong below HTTP, told from the codes of Node's sockets, resolver, TLS and fetch: the stage, and a sentence.

import { CommandError } from "../command-error.ts";

/** `what` is what was to be reached, such as the gateway's URL. */
export function networkFailure(error: unknown, what: string): CommandError {
  const code = deepestCode(error);
  const options = { cause: error };
  if (/^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL)/.test(code)) {
    return new CommandError(
      "dns",
      code,
      `The name of ${what} cannot be resolved (${code}): check it, and the network.`,
      options,
    );
  }
  if (/CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO|SELF_SIGNED|^EPROTO$/.test(code)) {
    return new CommandError("tls", code, `${what} did not prove who it is: ${tlsReason(code)}.`, options);
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
    return new CommandError("tcp", code, `There is no way to ${what} (${code}): check the network.`, options);
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
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "its certificate is for another name";
  if (/SELF_SIGNED/.test(code))
    return "its certificate is self-signed (NODE_EXTRA_CA_CERTS names a CA file to trust)";
  if (/^UNABLE_TO/.test(code))
    return "its certificate's issuer is unknown (NODE_EXTRA_CA_CERTS names a CA file to trust)";
  if (/^ERR_SSL|^EPROTO$/.test(code)) return `there is no TLS on that port, or none that fits (${code})`;
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

/** An error and what caused it: fetch wraps the socket's error, and a dial to several addresses wraps several. */
function chain(error: unknown): Error[] {
  const errors: Error[] = [];
  for (let at = error; at instanceof Error && errors.length < 5; ) {
    errors.push(at);
    at = at instanceof AggregateError && at.cause === undefined ? at.errors[0] : at.cause;
  }
  return errors;
}
