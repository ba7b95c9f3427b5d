// A gateway whose disk is full takes back what it is asked to, and says that it could not write it down. The person hears of it.

import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NOT_WRITTEN } from "../../../gateway/http/routes/revoked.ts";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { Person } from "../../support/cli.ts";

let server: Server;
let person: Person;
let status: 202 | 204;
/** What the gateway says. */
let message: string;
const asked: string[] = [];

const share = {
  id: `ws_${"a".repeat(26)}`,
  name: "devbox",
  owner: "ada",
  pending: false,
  createdAt: new Date(0).toISOString(),
};

beforeEach(async () => {
  asked.length = 0;
  message = NOT_WRITTEN;
  person = new Person();
  server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.method === "GET") return response.end(JSON.stringify([share]));
    asked.push(`${request.method} ${request.url}`);
    response.statusCode = status;
    return response.end(status === 202 ? JSON.stringify({ message }) : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  person.env.SALLYPORT_GATEWAY = `http://127.0.0.1:${port}`;
  person.env.SALLYPORT_TOKEN = newAccessToken();
});

afterEach(async () => {
  person.close();
  await new Promise((resolve) => server.close(resolve));
});

const token = `tok_${"a".repeat(26)}`;
const key = `key_${"a".repeat(26)}`;

test.each([
  [["token", "revoke", token], `Revoked ${token}.`],
  [["token", "owner-revoke", "devbox", token], `Revoked ${token}.`],
  [["keys", "remove", key], `Removed ${key}.`],
  [["shares", "leave", "devbox.ada"], "Left devbox.ada."],
])("sallyport %j", async (args, done) => {
  status = 204;
  expect(await person.run(args)).toMatchObject({ code: 0, stdout: "", stderr: `${done}\n` });
  status = 202;
  expect(await person.run(args)).toMatchObject({ code: 0, stdout: "", stderr: `${done} ${NOT_WRITTEN}\n` });
  // What a gateway says is text.
  message = "\u001b]0;x\u0007done";
  const { stderr } = await person.run(args);
  for (const control of ["\u001b", "\u0007"]) expect(stderr).not.toContain(control);
  expect(asked).toHaveLength(3);
});
