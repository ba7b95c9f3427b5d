// A store on a database in memory, with a clock that tests move, and a record of its changes and log lines.

import { pino } from "pino";
import type { Identity, Registration } from "../../../../gateway/directory.ts";
import type { DirectoryChange } from "../../../../gateway/directory-change.ts";
import { openMemoryDatabase } from "../../../../gateway/store/database/sqlite.ts";
import { Store } from "../../../../gateway/store/store.ts";
import type { Scope } from "../../../../protocol/api.ts";
import { SCOPES } from "../../../../protocol/api.ts";
import { parseTokenId } from "../../../../protocol/values/id.ts";
import { parseName } from "../../../../protocol/values/name.ts";

export const MINUTE = 60_000;
export const DAY = 86_400_000;
export const ed25519 = (fill: number): string => {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from("ssh-ed25519"),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, fill),
  ]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
};

export async function memoryStore() {
  let time = Date.parse("2030-01-01T00:00:00Z");
  const logLines: string[] = [];
  const changes: DirectoryChange[] = [];
  const store = await Store.open(openMemoryDatabase(), {
    log: pino({ level: "debug" }, { write: (line: string) => logLines.push(line) }),
    now: () => new Date(time),
  });
  store.onChange((change) => changes.push(change));
  const actor = { account: "test" };

  const account = async (name: string, options: { admin?: boolean; scopes?: readonly Scope[] } = {}) => {
    const row = await store.accounts.create(parseName(name), options.admin ?? false, null);
    const { token, info } = await store.tokens.create(
      {
        accountId: row.id,
        title: "test",
        scopes: options.scopes ?? SCOPES,
        expiresInSeconds: null,
      },
      actor,
    );
    return {
      id: row.id,
      name: row.name,
      token,
      tokenId: parseTokenId(info.id),
      identity: await store.authenticate(token),
    };
  };

  const register = async (
    identity: Identity | null,
    name: string,
    { hostKey = ed25519(1), ...rest }: Partial<Registration> & { hostKey?: string } = {},
  ) =>
    store.register({
      identity,
      address: "192.0.2.1",
      name: parseName(name),
      existing: null,
      hostKeys: [hostKey],
      endToEndOnly: false,
      ownerTokens: true,
      browserUrl: null,
      folder: null,
      ...rest,
    });

  return {
    store,
    actor,
    changes,
    logLines,
    account,
    register,
    pass: (ms: number) => {
      time += ms;
    },
  };
}
