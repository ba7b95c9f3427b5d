// The first lines of every file that `install-service` writes. They say whose file it is, so that nothing else is overwritten or
// removed, and what `service-status` needs: where the host keeps its state, and what starts it.

import type { Service } from "./service.ts";

export interface ServiceRecord {
  readonly program: readonly string[];
  readonly state: string;
}

const MARK = "Written by `sallyport host install-service`; `sallyport host uninstall-service` removes it.";

/** Lines without the manager's sign for comments. */
export function recordLines({ program, state }: Pick<Service, "program" | "state">): readonly string[] {
  return [MARK, ...program.map((word) => `program: ${encode(word)}`), `state: ${encode(state)}`];
}

/** undefined: we did not write this file. */
export function readRecord(text: string): ServiceRecord | undefined {
  if (!text.includes(MARK)) return undefined;
  const values = (key: string) =>
    [...text.matchAll(new RegExp(`^#? *${key}: (.*)$`, "gm"))].map(([, value = ""]) => decode(value));
  const [state] = values("state");
  return state === undefined ? undefined : { program: values("program"), state };
}

/** Two hyphens would end the comment of a plist. */
function encode(value: string): string {
  return value.replaceAll("%", "%25").replaceAll("--", "%2D%2D");
}

function decode(value: string): string {
  return value.replaceAll("%2D%2D", "--").replaceAll("%25", "%");
}
