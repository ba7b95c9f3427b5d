// The option --key-sources: where people may import their SSH public keys from.

import type { KeySource } from "../../protocol/admin-api.ts";
import { UsageError } from "../../protocol/command/command.ts";
import type { ValueType } from "../../protocol/command/definition.ts";
import { isLoopback } from "../../protocol/values/gateway-url.ts";
import { isHostName } from "../../protocol/values/host-name.ts";

export interface KeySourceOption {
  readonly source: KeySource;
  /** https, or http on this machine; without a slash at the end. */
  readonly url: string;
}

const DEFAULT_KEY_SOURCES: readonly KeySourceOption[] = [
  { source: "github", url: "https://github.com" },
  { source: "gitlab", url: "https://gitlab.com" },
];

/** `github=https://github.example`, or the word `off`. */
export const KEY_SOURCES: ValueType<KeySourceOption | "off"> = {
  hint: "LIST",
  read(text, name) {
    if (text === "off") return text;
    const match = /^(github|gitlab)=(.{1,500})$/.exec(text);
    const source = match?.[1];
    const url = URL.canParse(match?.[2] ?? "") ? new URL(match?.[2] ?? "") : undefined;
    const isSafe =
      url !== undefined &&
      // Plain http to this machine only: for trials.
      (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) &&
      isHostName(url.hostname) &&
      url.username + url.password + url.search + url.hash === "";
    if (!isSafe || (source !== "github" && source !== "gitlab")) {
      throw new UsageError(
        `${name} takes github=URL and gitlab=URL with https, such as github=https://github.example, or \`off\`, not ${JSON.stringify(text)}.`,
      );
    }
    return { source, url: url.href.replace(/\/+$/, "") };
  },
};

/** @throws UsageError */
export function keySourcesOf(given: readonly (KeySourceOption | "off")[]): readonly KeySourceOption[] {
  const sources = given.filter((each) => each !== "off");
  if (given.length === 0) return DEFAULT_KEY_SOURCES;
  const isMixed = sources.length < given.length && sources.length > 0;
  if (isMixed || new Set(sources.map(({ source }) => source)).size < sources.length) {
    throw new UsageError("--key-sources takes each of github and gitlab once, or `off` alone.");
  }
  return sources;
}
