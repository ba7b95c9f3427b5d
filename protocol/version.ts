// Sallyport's own version. esbuild puts package.json's in its place; sources that run unbundled say so.

declare const __SALLYPORT_VERSION__: string | undefined;

export const VERSION: string =
  typeof __SALLYPORT_VERSION__ === "string" ? __SALLYPORT_VERSION__ : "0.0.0-dev";
