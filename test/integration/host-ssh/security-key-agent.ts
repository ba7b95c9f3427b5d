// An ssh-agent with FIDO keys made of software: OpenSSH's client takes them for security keys (PROTOCOL.agent,
// PROTOCOL.u2f).

import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer } from "node:net";
import { encode, WireReader } from "../../../protocol/ssh/wire.ts";

export interface SecurityKey {
  readonly type: "sk-ssh-ed25519@openssh.com" | "sk-ecdsa-sha2-nistp256@openssh.com";
  readonly blob: Buffer;
  /** The signature's wire form, over what the server will check. */
  sign(data: Buffer): Buffer;
}

const APPLICATION = "ssh:";
const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest();

/** `flags`: 1 is a touch, 4 a PIN. */
export function makeSecurityKey(kind: "ed25519" | "ecdsa", flags = 1): SecurityKey {
  const tail = Buffer.from([flags, 0, 0, 0, 7]);
  const message = (data: Buffer) => Buffer.concat([sha256(APPLICATION), tail, sha256(data)]);
  if (kind === "ed25519") {
    const type = "sk-ssh-ed25519@openssh.com";
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    return {
      type,
      blob: encode(type, part(publicKey, "x"), APPLICATION),
      sign: (data) => Buffer.concat([encode(type, sign(null, message(data), privateKey)), tail]),
    };
  }
  const type = "sk-ecdsa-sha2-nistp256@openssh.com";
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const point = Buffer.concat([Buffer.from([4]), part(publicKey, "x"), part(publicKey, "y")]);
  return {
    type,
    blob: encode(type, "nistp256", point, APPLICATION),
    sign(data) {
      const raw = sign("sha256", message(data), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return Buffer.concat([encode(type, encode(mpint(raw.subarray(0, 32)), mpint(raw.subarray(32)))), tail]);
    },
  };
}

/** Resolves when it listens on `path`. */
export async function startAgent(path: string, key: SecurityKey): Promise<{ stop(): void }> {
  const server = createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on("error", () => socket.destroy());
    socket.on("data", (data: Buffer) => {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
        const end = 4 + pending.readUInt32BE(0);
        socket.write(encode(answer(pending.subarray(4, end), key)));
        pending = pending.subarray(end);
      }
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
  return { stop: () => void server.close() };
}

function answer(request: Buffer, key: SecurityKey): Buffer {
  const reader = new WireReader(request);
  switch (reader.byte()) {
    case 11:
      return Buffer.concat([Buffer.from([12]), encode(1, key.blob, "security key")]);
    case 13: {
      reader.string();
      return Buffer.concat([Buffer.from([14]), encode(key.sign(reader.string()))]);
    }
    default:
      return Buffer.from([5]);
  }
}

function part(key: KeyObject, name: "x" | "y"): Buffer {
  return Buffer.from(key.export({ format: "jwk" })[name] ?? "", "base64url");
}

function mpint(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const bare = bytes.subarray(start);
  return (bare[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bare]) : bare;
}
