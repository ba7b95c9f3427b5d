import { expect, test } from "vitest";
import { environmentWith, optionsOfWorker } from "../../../../gateway/cluster/worker-options.ts";
import { parseGatewayOptions } from "../../../support/gateway-options.ts";

test("a worker has the options that the primary has read, all of them", () => {
  const args = ["--workers", "2", "--open", "--trust-proxy", "loopback", "--ssh", "[::1]:0"];
  const { options } = parseGatewayOptions(args, { HOME: "/home/ada" });
  expect(optionsOfWorker({ ...environmentWith(options) })).toEqual(options);
  expect(optionsOfWorker({})).toBeUndefined();
});
