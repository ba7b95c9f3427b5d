import { expect, test } from "vitest";
import { createGatewayLog } from "../../../gateway/log.ts";
import { newAccessToken, newOwnerToken } from "../../../protocol/values/token.ts";

test("no token reaches the log in a message, field, header or error", () => {
  const lines: string[] = [];
  const log = createGatewayLog("debug", (line) => lines.push(line));
  const [access, owner] = [newAccessToken(), newOwnerToken()];
  log.info(`signed in with ${access}`);
  log.info({ owner, deep: { list: [access] } }, "fields");
  log.error({ err: new Error(`refused ${owner}`) }, "failed");
  log.info({ req: { headers: { authorization: "Basic c2VjcmV0" } } }, "headers");
  expect(lines).toHaveLength(4);
  for (const line of lines) JSON.parse(line);
  const text = lines.join("");
  for (const secret of [access, owner, "c2VjcmV0"]) expect(text).not.toContain(secret);
  expect(text).toContain("spt_…");
});
