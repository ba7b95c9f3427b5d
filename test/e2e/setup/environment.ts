// What run.ts passes to the tests.

import { join } from "node:path";
import { Type } from "typebox";
import { Check } from "typebox/value";

const Environment = Type.Object({
  directory: Type.String(),
  vsix: Type.String(),
  update: Type.Object({ vsix: Type.String(), release: Type.String() }),
  browser: Type.String(),
  codeServer: Type.Object({ node: Type.String(), entry: Type.String() }),
  certificate: Type.Object({ certFile: Type.String(), keyFile: Type.String() }),
  aside: Type.Array(Type.Object({ path: Type.String(), mount: Type.String() })),
});

const given: unknown = JSON.parse(process.env.SALLYPORT_E2E ?? "null");
if (!Check(Environment, given)) throw new Error("these tests are started by `npm run test:e2e`");

export const { directory, vsix, update, browser, codeServer, certificate, aside } = given;
/** Extensions are installed once; every editor of the run uses them. */
export const extensionsDirectory = join(directory, "extensions");
