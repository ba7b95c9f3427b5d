// Sallyport's version. esbuild inserts package.json's; sources that run unbundled have a version that says so.

declare const __SALLYPORT_VERSION__: string | undefined;

export const VERSION: string =
  typeof __SALLYPORT_VERSION__ === "string" ? __SALLYPORT_VERSION__ : "0.0.0-dev";
