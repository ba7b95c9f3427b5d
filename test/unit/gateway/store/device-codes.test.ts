// Device codes in the store: how many strangers can make, and how many wrong ones people can type.

import { describe, expect, test } from "vitest";
import { newTokenId } from "../../../../protocol/values/id.ts";
import { newOneUseCode } from "../../../../protocol/values/token.ts";
import { MINUTE, memoryStore } from "./memory-store.ts";

const wanted = { client: "sallyport-cli", device: "sallyport on server", scopes: ["connect"] } as const;
const SECOND = 1_000;

async function withTypist() {
  const store = await memoryStore();
  const typist = async (name: string, address: string) => {
    const { id } = await store.account(name);
    return { accountId: id, account: name, sessionId: newTokenId(), address };
  };
  return { ...store, codes: store.store.deviceCodes, typist };
}

describe("strangers", () => {
  test("make ten codes an address, where an IPv6 /64 is one", async () => {
    const { codes, pass } = await withTypist();
    const from = (address: string) => codes.create({ ...wanted, address });
    for (let i = 0; i < 10; i++) await from(`2001:db8::${i}`);
    await expect(from("2001:db8::ffff")).rejects.toMatchObject({ code: "rate_limited" });
    await from("2001:db8:0:1::1");
    pass(10 * MINUTE);
    await from("2001:db8::1");
  });

  test("make a thousand codes together", async () => {
    const { codes, pass } = await withTypist();
    const from = (i: number) => codes.create({ ...wanted, address: `10.0.${i >> 8}.${i & 255}` });
    const made = [];
    for (let i = 0; i < 1_000; i++) made.push(await from(i));
    expect(new Set(made.map(({ userCode }) => userCode)).size).toBe(1_000);
    await expect(from(1_000)).rejects.toMatchObject({ code: "rate_limited" });
    pass(10 * MINUTE);
    await from(1_000);
  });
});

test("Two hundred wrong codes of all, of however many accounts and addresses", async () => {
  const { codes, typist, pass } = await withTypist();
  for (let i = 0; i < 40; i++) {
    const person = await typist(`p${i}`, `10.0.${i}.1`);
    for (let j = 0; j < 5; j++)
      await expect(codes.find("BBBB-BBBB", person)).rejects.toMatchObject({ code: "not_found" });
  }
  const last = await typist("last", "10.1.0.1");
  const { userCode } = await codes.create({ ...wanted, address: "10.2.0.1" });
  await expect(codes.find(userCode, last)).rejects.toMatchObject({ code: "rate_limited" });
  pass(10 * MINUTE);
  const { userCode: next } = await codes.create({ ...wanted, address: "10.2.0.1" });
  expect(await codes.find(next, last)).toMatchObject({ device: "sallyport on server", address: "10.2.0.1" });
});

test("A device that polls is told to slow down, up to a minute, and to stop when its code has expired", async () => {
  const { codes, pass } = await withTypist();
  const { deviceCode } = await codes.create({ ...wanted, address: "10.0.0.1" });
  const poll = async () => (await codes.poll(deviceCode, "sallyport-cli")).kind;
  expect(await poll()).toBe("pending");
  pass(5 * SECOND);
  expect(await poll()).toBe("pending");
  for (let i = 0; i < 100; i++) expect(await poll()).toBe("slow_down");
  pass(59 * SECOND);
  expect(await poll()).toBe("slow_down");
  pass(SECOND);
  expect(await poll()).toBe("pending");
  pass(10 * MINUTE);
  expect(await poll()).toBe("expired");
  pass(10 * MINUTE);
  await codes.prune();
  expect(await poll()).toBe("unknown");
  expect((await codes.poll(newOneUseCode(), "sallyport-cli")).kind).toBe("unknown");
});

test("The first decision counts, and gives once", async () => {
  const { codes, typist } = await withTypist();
  const ana = await typist("ana", "10.0.0.1");
  const { deviceCode, userCode } = await codes.create({ ...wanted, address: "10.0.0.2" });
  await codes.decide(userCode, ana, ["connect"]);
  await expect(codes.decide(userCode, ana, null)).rejects.toMatchObject({ code: "not_found" });
  expect(await codes.poll(deviceCode, "sallyport-cli")).toMatchObject({
    kind: "approved",
    accountId: ana.accountId,
    sessionId: ana.sessionId,
  });
  expect((await codes.poll(deviceCode, "sallyport-cli")).kind).toBe("unknown");
});
