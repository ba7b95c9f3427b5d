// The code of an error from the system or Node, such as ENOENT.

/** The error's name, such as `ENOENT` or `ERR_SSL_…`; undefined: it has none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
