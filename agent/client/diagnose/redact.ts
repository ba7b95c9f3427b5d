// Removes from a diagnosis what must not be pasted into a chat: tokens, the id of a workspace if that is its secret, and the
// home directory, whose path contains the person's name. Pure.

import { redactSecrets } from "../../../protocol/values/token.ts";
import type { StageReport } from "./report.ts";

export type Redact = (text: string) => string;

/** @param secrets are replaced by their first three characters and `…` */
export function redactor(home: string, secrets: readonly string[]): Redact {
  const homes = home.length > 1 ? [...new Set([home, home.replaceAll("\\", "/")])] : [];
  return (text) => {
    let clean = redactSecrets(text);
    for (const one of secrets) clean = clean.replaceAll(one, `${one.slice(0, 3)}…`);
    for (const one of homes) {
      clean = clean.replace(new RegExp(`${escapeForRegExp(one)}(?=[\\\\/:"'\\s]|$)`, "g"), () => "~");
    }
    return clean.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
  };
}

export function redactStage(stage: StageReport, redact: Redact): StageReport {
  if (stage.status === "ok" || stage.status === "skipped") return { ...stage, detail: redact(stage.detail) };
  return {
    ...stage,
    detail: redact(stage.detail),
    means: redact(stage.means),
    todo: redact(stage.todo),
  };
}

function escapeForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
