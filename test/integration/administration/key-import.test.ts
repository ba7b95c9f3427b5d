// Importing the keys that GitHub or GitLab list: from the operator's hosts only, bounded, and without trusting what comes.

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { testGateway } from "../../support/test-gateway.ts";
import { ed25519 } from "../../unit/gateway/store/memory-store.ts";

/** Something in the place of GitHub; returns its URL and the paths that it was asked for. */
async function service(listener: RequestListener): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function world(listener: RequestListener) {
  const { url, asked } = await service(listener);
  const gateway = await testGateway({ keySources: [{ source: "github", url }] });
  const ana = await gateway.account("ana");
  const importing = (user: unknown, source = "github") =>
    gateway.call("POST", "/keys/import", ana.token, { source, user });
  return { gateway, ana, asked, importing };
}

test("Keys become pending keys, each of which still needs a proof", async () => {
  const lines = [
    ed25519(1),
    ed25519(2),
    "ssh-dss AAAAB3NzaC1kc3M= old",
    `command="x" ${ed25519(3)}`,
    "<html>",
  ];
  const { gateway, ana, asked, importing } = await world((_request, response) =>
    response.end(`${lines.join("\n")}\n`),
  );
  expect((await gateway.call("GET", "/keys/sources", ana.token)).body).toEqual([
    { source: "github", host: "127.0.0.1" },
  ]);
  const answer = await importing("octo-cat");
  expect(answer.status).toBe(200);
  expect(asked).toEqual(["/octo-cat.keys"]);
  expect(answer.body.host).toBe("127.0.0.1");
  expect(answer.body.keys.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
    ...["pending", "pending", "refused", "refused", "refused"],
  ]);
  expect(answer.body.keys[0].pending).toMatchObject({
    title: "octo-cat at 127.0.0.1",
    code: expect.stringMatching(/^ana\//),
  });
  expect(answer.body.keys[2].reason).toContain("Unknown key type");
  // They open nothing.
  expect((await gateway.call("GET", "/keys", ana.token)).body).toEqual([]);
  expect((await gateway.call("GET", "/keys/pending", ana.token)).body).toHaveLength(2);
  const [entry] = await gateway.gateway.store.auditLog.list({ limit: 1, event: "key.imported" });
  expect(entry).toMatchObject({ account: "ana", detail: "5 of octo-cat at 127.0.0.1" });
});

test("A user's name is nothing but a name", async () => {
  const { asked, importing } = await world((_request, response) => response.end(""));
  for (const user of [
    ...[
      "",
      ".",
      "..",
      "../x",
      "a/b",
      "a%2fb",
      "a?b",
      "a#b",
      "a@evil.example",
      "evil.example:443/x",
      "a b",
      "a\nb",
    ],
    ...["a\\b", "a;b", "ü", "x".repeat(256), "-a", "a.", 5, null, { toString: "x" }, ["a"]],
  ]) {
    const answer = await importing(user);
    expect([answer.status, answer.body.code], JSON.stringify(user)).toEqual([400, "bad_request"]);
  }
  expect((await importing("a", "gitlab")).status).toBe(404);
  expect((await importing("a", "http://169.254.169.254")).status).toBe(400);
  expect(asked).toEqual([]);
});

test("Redirects are not followed, and answers are bounded", async () => {
  const other = await service((_request, response) => response.end(ed25519(9)));
  let answerWith: RequestListener = (_request, response) => response.end();
  const { importing } = await world((request, response) => answerWith(request, response));
  const tried = async (listener: RequestListener) => {
    answerWith = listener;
    let answer = await importing("octocat");
    // One import in a second.
    await expect
      .poll(
        async () => {
          if (answer.status === 429) answer = await importing("octocat");
          return answer.status;
        },
        { timeout: 20_000, interval: 300 },
      )
      .not.toBe(429);
    return [answer.status, answer.body.code ?? answer.body.keys.length];
  };
  expect(
    await tried((_request, response) => response.writeHead(302, { location: `${other.url}/x` }).end()),
  ).toEqual([502, "provider_unavailable"]);
  expect(other.asked).toEqual([]);
  expect(await tried((_request, response) => response.writeHead(404).end())).toEqual([404, "not_found"]);
  expect(await tried((_request, response) => response.end("x\n".repeat(40_000)))).toEqual([
    502,
    "provider_unavailable",
  ]);
  expect(await tried((request) => request.socket.destroy())).toEqual([502, "provider_unavailable"]);
  expect(await tried((_request, response) => response.end(`${ed25519(1)}\n`.repeat(500)))).toEqual([200, 50]);
  // It begins to answer and never ends.
  const start = performance.now();
  expect(await tried((_request, response) => void response.write("ssh"))).toEqual([
    502,
    "provider_unavailable",
  ]);
  expect(performance.now() - start).toBeLessThan(15_000);
});

test("An account imports once at a time", async () => {
  const { importing } = await world((_request, response) => setTimeout(() => response.end(""), 300));
  const answers = await Promise.all([importing("a"), importing("b"), importing("c")]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
});
