import { expect, test } from "vitest";
import { createGatewayLog } from "../../../gateway/log.ts";
import { warnOfPlainHttp } from "../../../gateway/public-url.ts";
import { parseGatewayOptions } from "../../support/gateway-options.ts";

function warnings(...args: string[]): string {
  const lines: string[] = [];
  warnOfPlainHttp(
    parseGatewayOptions(args, {}).options,
    createGatewayLog("warn", (line) => lines.push(line)),
  );
  return lines.join("");
}

test("A public URL at which no browser can sign in is warned of", () => {
  expect(warnings("--public-url=http://gateway.example")).toContain("Browsers cannot sign in");
  expect(warnings("--public-url=http://gateway.example", "--no-dashboard")).toBe("");
  expect(warnings("--public-url=http://localhost:8022")).toBe("");
  expect(warnings("--public-url=https://gateway.example")).toBe("");
});
