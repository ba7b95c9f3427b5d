// A state in a word, with a mark whose shape differs by state: colour alone tells nothing.

import type { ComponentChildren } from "preact";

export type Tone = "good" | "neutral" | "warning" | "danger" | "accent";
const MARKS: Record<Tone, string> = { good: "●", neutral: "○", warning: "▲", danger: "■", accent: "◆" };

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{MARKS[tone]}</span>
      {children}
    </span>
  );
}
