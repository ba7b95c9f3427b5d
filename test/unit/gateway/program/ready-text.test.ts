import { expect, test } from "vitest";
import { readyText } from "../../../../gateway/program/ready-text.ts";
import { parseGatewayUrl } from "../../../../protocol/values/gateway-url.ts";

const READY = { http: "http://127.0.0.1:8022", ssh: null };
const OPTIONS = {
  dashboard: true,
  publicUrl: parseGatewayUrl("https://gateway.example"),
  dataDir: "/home/a/d",
};

test("names the command for the dashboard as it works for this data directory", () => {
  expect(readyText(READY, OPTIONS, "/home/a/d")).toMatch(/ gateway invite admin --sign-in\n$/);
  expect(readyText(READY, { ...OPTIONS, dataDir: "/srv/my data" }, "/home/a/d")).toMatch(
    / gateway invite admin --sign-in --data '\/srv\/my data'\n$/,
  );
  expect(readyText(READY, { ...OPTIONS, publicUrl: null }, "/home/a/d")).toContain("gateway invite");
});

test("names no command that would refuse", () => {
  const plain = { ...OPTIONS, publicUrl: parseGatewayUrl("http://gateway.example") };
  expect(readyText(READY, plain, "/home/a/d")).not.toContain("invite");
  expect(readyText(READY, { ...OPTIONS, dashboard: false }, "/home/a/d")).not.toContain("invite");
});
