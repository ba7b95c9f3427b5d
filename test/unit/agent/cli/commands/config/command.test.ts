import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { configCommand } from "../../../../../../agent/cli/commands/config/command.ts";
import { definition as list } from "../../../../../../agent/cli/commands/list/definition.ts";

test.each([
  ["ada:s3cret@proxy.example:3128", "…@proxy.example:3128"],
  ["http://ada:s3cret@proxy.example:3128", "http://…@proxy.example:3128"],
  ["http://ada:a/s3cret@proxy.example", "http://…@proxy.example"],
  ["ada:@s3cret@proxy.example", "…@proxy.example"],
  [" SOCKS5://ada:s3cret@[::1]:1080", "SOCKS5://…@[::1]:1080"],
  ["http://proxy.example:3128", "http://proxy.example:3128"],
])("the proxy %s is shown as %s", async (proxy, shown) => {
  const stdout = new PassThrough();
  const streams = { stdin: new PassThrough(), stdout, stderr: new PassThrough() };
  const context = { ...streams, env: { SALLYPORT_PROXY: proxy, HOME: "/home/ada" } };
  const command = configCommand(() => Promise.resolve([list]));
  expect(await command.run(["list", "--json"], { ...context, signal: new AbortController().signal })).toBe(0);
  const { values } = JSON.parse(String(stdout.read())) as { values: unknown };
  expect(values).toEqual([expect.objectContaining({ option: "proxy", value: shown })]);
});
