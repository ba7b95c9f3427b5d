import { expect, test } from "vitest";
import { parseGatewayOptions } from "../../../support/gateway-options.ts";

const sources = (...args: string[]) => parseGatewayOptions(args, {}).options.keySources;

test("keys come from GitHub and GitLab, from the operator's own hosts, or from nowhere", () => {
  expect(sources()).toEqual([
    { source: "github", url: "https://github.com" },
    { source: "gitlab", url: "https://gitlab.com" },
  ]);
  expect(sources("--key-sources", "gitlab=https://git.example/gitlab/")).toEqual([
    { source: "gitlab", url: "https://git.example/gitlab" },
  ]);
  expect(sources("--key-sources", "off")).toEqual([]);
});

test.each([
  "github",
  "github=",
  "github=http://git.example",
  "github=https://user@git.example",
  "github=https://git.example?x",
  "github=https://git.example#x",
  "github=file:///etc/passwd",
  "bitbucket=https://git.example",
  "off,github=https://git.example",
  "github=https://a.example,github=https://b.example",
])("%s is refused", (text) => {
  expect(() => sources("--key-sources", text)).toThrow(/--key-sources takes/);
});
