// The dashboard's files inside the bundled gateway. The build puts them in place of this module (packaging/build/web.ts); the
// sources have none, and the gateway reads dist/web/ instead.

/** By name below dist/web/, each compressed by brotli, in base64. */
export const builtIn: Readonly<Record<string, string>> | null = null;
