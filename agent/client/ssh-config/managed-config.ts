// The text of ~/.ssh/sallyport/config, the managed SSH config: one section per gateway with an SSH port, and one per workspace.
// Always written whole; parsed only to keep the sections of gateways that could not be asked. Pure.

import SSHConfig from "ssh-config";
import { type GatewayUrl, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { isHostName } from "../../../protocol/values/host-name.ts";
import {
  type BlockPlace,
  type GatewayBlock,
  gatewaySettings,
  type KeyPins,
  type OwnerTokenBlock,
  ownerTokenSettings,
  type Setting,
  type WorkspaceBlock,
  workspaceSettings,
} from "./host-block.ts";
import { COUNTERS } from "./person/settings-treatment.ts";

export interface Section {
  readonly kind: "gateway" | "workspace";
  readonly gateway: GatewayUrl;
  /** The workspace's id; `-` for a gateway. */
  readonly id: string;
  readonly transport: "direct" | "tunnel";
  readonly alias: string;
  /** The Host block, ending in a line feed. */
  readonly text: string;
}

const HEADER = `# Written by Sallyport, whole, whenever something changes: edits here are lost.
# \`sallyport config-ssh --remove\`, or the command "Sallyport: Remove SSH Configuration", takes all of it out again.
`;

const MARK = /^# (gateway|workspace) (-|ws_[a-z2-7]{26}) (direct|tunnel) (\S+)$/;

export function workspaceSection(block: WorkspaceBlock, place: BlockPlace): Section {
  return {
    kind: "workspace",
    gateway: block.gateway,
    id: block.id,
    transport: block.transport.kind,
    alias: block.alias,
    text: hostBlock(block.alias, workspaceSettings(block, place)),
  };
}

export function gatewaySection(block: GatewayBlock, place: BlockPlace): Section {
  const { gateway, alias } = block;
  const text = hostBlock(alias, gatewaySettings(block, place));
  return { kind: "gateway", gateway, id: "-", transport: "direct", alias, text };
}

export function ownerTokenSection(block: OwnerTokenBlock, place: BlockPlace): Section {
  const { gateway, id, alias } = block;
  const text = hostBlock(alias, ownerTokenSettings(block, place));
  return { kind: "workspace", gateway, id, transport: "direct", alias, text };
}

/** Whether the workspace is opened by an owner token, which a later writer has to keep. */
export function isOwnerTokenSection({ kind, text }: Section): boolean {
  return kind === "workspace" && /^ {2}PubkeyAuthentication no$/m.test(text);
}

export function formatManagedConfig(sections: readonly Section[]): string {
  const parts = sections
    .toSorted(byAlias)
    .map(({ kind, id, transport, gateway, text }) => `# ${kind} ${id} ${transport} ${gateway}\n${text}`);
  return [HEADER, ...parts].join("\n");
}

/** Skips sections that were edited. They are written again when their gateway is asked next. */
export function parseManagedConfig(text: string): Section[] {
  const sections: Section[] = [];
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const mark = MARK.exec(lines[index] ?? "");
    const host = /^Host (\S+)$/.exec(lines[index + 1] ?? "");
    if (mark === null || host === null) continue;
    const body = [];
    for (let next = index + 2; /^ {2}\S/.test(lines[next] ?? ""); next++) body.push(lines[next] ?? "");
    const gateway = tryGateway(mark[4]);
    if (gateway === undefined || body.length === 0 || !body.every(isWritten)) continue;
    sections.push({
      kind: mark[1] === "gateway" ? "gateway" : "workspace",
      gateway,
      id: mark[2] ?? "-",
      transport: mark[3] === "tunnel" ? "tunnel" : "direct",
      alias: host[1] ?? "",
      text: `${lines[index + 1]}\n${body.join("\n")}\n`,
    });
  }
  return sections;
}

/** Adds or replaces only the sections of these gateways and workspaces, for a single connect. */
export function withSections(sections: readonly Section[], added: readonly Section[]): Section[] {
  const same = (a: Section, b: Section) => a.kind === b.kind && a.gateway === b.gateway && a.id === b.id;
  const kept = sections.filter((section) => !added.some((one) => same(one, section)));
  return [...kept.filter(({ alias }) => !added.some((one) => one.alias === alias)), ...added];
}

/** The keywords of COUNTERS that any section contains. */
export function countersOf(sections: readonly Section[]): string[] {
  return Object.keys(COUNTERS).filter((keyword) => sections.some((section) => has(section, keyword)));
}

/** Adds these counters to all sections: the settings that they counter apply to all hosts. */
export function withCounters(sections: readonly Section[], keywords: readonly string[]): Section[] {
  // Always in the same order, so that rewriting does not change the text.
  const ordered = Object.keys(COUNTERS).filter((keyword) => keywords.includes(keyword));
  return sections.map((section) => {
    const missing = ordered.filter((keyword) => !has(section, keyword));
    return { ...section, text: section.text + missing.map((one) => `  ${one} ${COUNTERS[one]}\n`).join("") };
  });
}

function has({ text }: Section, keyword: string): boolean {
  return text.includes(`\n  ${keyword} `);
}

/** The keys that a section pins, which a later writer has to keep; undefined: none. */
export function pinsOf({ text }: Section): KeyPins | undefined {
  const values = (keyword: string) =>
    text.split("\n").flatMap((line) => {
      const prefix = `  ${keyword} `;
      return line.startsWith(prefix) ? [unquoted(line.slice(prefix.length))] : [];
    });
  const identityFiles = values("IdentityFile");
  const certificateFiles = values("CertificateFile");
  const [identityAgent] = values("IdentityAgent");
  if (identityFiles.length === 0 && certificateFiles.length === 0 && identityAgent === undefined)
    return undefined;
  return {
    identityFiles,
    ...(certificateFiles.length === 0 ? {} : { certificateFiles }),
    ...(identityAgent === undefined ? {} : { identityAgent }),
  };
}

function hostBlock(alias: string, settings: readonly Setting[]): string {
  const config = new SSHConfig();
  const host = config.append({ Host: alias });
  for (const { keyword, value, form } of settings) {
    host.append({ [keyword]: form === "command" ? value : quoted(keyword, value) });
  }
  return `${SSHConfig.stringify(config).trim()}\n`;
}

/** The library ssh-config quotes these if they contain a space, but for no other reason. */
const QUOTED_BY_LIBRARY = /^(?:CertificateFile|IdentityFile|IdentityAgent|User)$/;

function quoted(keyword: string, value: string): string {
  if (/^[A-Za-z0-9_@%+=:,./~-]+$/.test(value)) return value;
  const escaped = value.replace(/["\\]/g, "\\$&");
  return QUOTED_BY_LIBRARY.test(keyword) && /\s/.test(value) ? escaped : `"${escaped}"`;
}

function unquoted(value: string): string {
  const inner = /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(["\\])/g, "$1") ?? value;
  return inner.replaceAll("%%", "%");
}

/** Gateways first, so that a reader sees the jump host before the workspaces. */
function byAlias(a: Section, b: Section): number {
  if (a.kind !== b.kind) return a.kind === "gateway" ? -1 : 1;
  return a.alias < b.alias ? -1 : a.alias > b.alias ? 1 : 0;
}

/**
 * Whether Sallyport would write this line. A kept section is written again as it is, and an earlier version accepted any text
 * from a gateway as its host name.
 */
function isWritten(line: string): boolean {
  const [, keyword, value = ""] = /^ {2}(HostName|User|HostKeyAlias|ProxyJump) (.*)$/.exec(line) ?? [];
  if (keyword === undefined) return true;
  return keyword === "HostName" ? isHostName(value) : /^[a-z0-9_][a-z0-9._-]*$/.test(value);
}

function tryGateway(text: string | undefined): GatewayUrl | undefined {
  try {
    return parseGatewayUrl(text);
  } catch {
    // The mark was edited: the section no longer counts as ours.
    return undefined;
  }
}
