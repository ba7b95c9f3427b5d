// Ctrl-C for scripts that have something to clean up. The same Ctrl-C often arrives twice, from the terminal and
// through npm, so a second one must not cut the cleaning short; time limits see to it that it ends.

/** Aborted by the first SIGINT, SIGTERM or SIGHUP, and when the reader of our output has gone (`… | head`). */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => controller.abort(new Error(`interrupted by ${name}`)));
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (cause) => controller.abort(new Error("nobody reads the output", { cause })));
  }
  return controller.signal;
}
