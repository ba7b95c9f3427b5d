// A token in the environment, and a command to paste that names somebody else's gateway.

import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newAccessToken, newOwnerToken } from "../../../protocol/values/token.ts";
import { Person } from "../../support/cli.ts";

let server: Server;
let theirs: string;
let person: Person;
const asked: IncomingMessage[] = [];

beforeAll(async () => {
  person = new Person();
  server = createServer((request, response) => {
    asked.push(request);
    response.writeHead(404).end();
  });
  server.on("upgrade", (request, socket) => {
    asked.push(request);
    socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  theirs = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterAll(() => {
  person.close();
  server.close();
});
beforeEach(() => {
  asked.length = 0;
});

const COMMANDS = (gateway: string) => [
  ["list", "--gateway", gateway],
  ["ssh", "--gateway", gateway, "web", "true"],
  ["tunnel", gateway, "web"],
  ["doctor", "--gateway", gateway, "web"],
  ["config-ssh", "--yes", "--gateway", gateway],
  ["keys", "list", "--gateway", gateway],
  ["host", "--gateway", gateway, "--name", "web"],
];

test.each([
  ["an access token", newAccessToken()],
  ["an owner token", newOwnerToken()],
])("%s is shown to nobody but the gateway that is named beside it", async (_, token) => {
  for (const beside of [{}, { SALLYPORT_GATEWAY: "https://mine.example" }]) {
    for (const args of COMMANDS(theirs)) {
      const { code } = await person.run(args, "", { SALLYPORT_TOKEN: token, ...beside });
      expect(code, args.join(" ")).not.toBe(0);
    }
  }
  // Some of it may be asked for; nothing of it with a token.
  expect(asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
});

test("the error says what to set", async () => {
  const { stderr } = await person.run(["list", "--gateway", theirs], "", {
    SALLYPORT_TOKEN: newAccessToken(),
  });
  expect(stderr).toBe(
    `sallyport: sign-in: SALLYPORT_TOKEN is not sent to ${theirs}, because nothing says that it is for that gateway: ` +
      `if it is, also set SALLYPORT_GATEWAY=${theirs}.\n`,
  );
});

test("named beside it, the gateway is shown the token", async () => {
  const token = newAccessToken();
  await person.run(["list"], "", { SALLYPORT_TOKEN: token, SALLYPORT_GATEWAY: theirs });
  expect(asked[0]?.headers.authorization).toBe(`Bearer ${token}`);
});
