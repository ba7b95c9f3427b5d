// Declares the private modules of ssh2. Only protocol/ssh/ssh2/ may use them.

declare module "ssh2/lib/protocol/utils.js" {
  const utils: {
    sendPacket(protocol: object, packet: Uint8Array, bypass?: boolean): boolean;
  };
  export default utils;
}

declare module "ssh2/lib/protocol/crypto.js" {
  interface Cipher {
    allocPacket(size: number): Buffer;
    encrypt(packet: Buffer): void;
  }
  const crypto: {
    /** Settled when the ciphers can be used. */
    readonly init: Promise<unknown>;
    readonly bindingAvailable: boolean;
    readonly CIPHER_INFO: Readonly<Record<string, { readonly keyLen: number; readonly ivLen: number }>>;
    readonly MAC_INFO: Readonly<Record<string, { readonly len: number }>>;
    createCipher(config: object): Cipher;
    createDecipher(config: object): import("./private.ts").PrivateDecipher;
  };
  export default crypto;
}

declare module "ssh2/lib/protocol/kex.js" {
  interface Lists {
    readonly kex: readonly string[];
    readonly serverHostKey: readonly string[];
    readonly cs: Direction;
    readonly sc: Direction;
  }
  interface Direction {
    readonly cipher: readonly string[];
    readonly mac: readonly string[];
    readonly compress: readonly string[];
    readonly lang: readonly string[];
  }
  const kex: { readonly KexInit: new (lists: Lists) => object };
  export default kex;
}

declare module "ssh2/lib/protocol/Protocol.js" {
  type Handler<A extends unknown[]> = (protocol: object, ...values: A) => void;
  interface Config {
    readonly server?: boolean;
    readonly ident?: string;
    readonly offer: { kex: string[]; serverHostKey: string[]; cs: Algorithms; sc: Algorithms };
    onWrite(data: Uint8Array): void;
    onError(error: Error): void;
    onHeader(header: { readonly versions: { readonly software: string } }): void;
    onHandshakeComplete(): void;
    hostVerifier(key: Buffer): boolean;
    readonly messageHandlers: {
      readonly DISCONNECT: Handler<[reason: number, description: string]>;
      readonly USERAUTH_SUCCESS: Handler<[]>;
      readonly USERAUTH_FAILURE: Handler<[methods: string[], partial: boolean]>;
      readonly USERAUTH_BANNER: Handler<[text: string]>;
    };
  }
  interface Algorithms {
    readonly cipher: readonly string[];
    readonly mac: readonly string[];
    readonly compress: readonly string[];
    readonly lang: readonly string[];
  }
  export default class Protocol {
    constructor(config: Config);
    start(): void;
    parse(chunk: Uint8Array, from: number, length: number): void;
    cleanup(): void;
    service(name: string): void;
  }
}
