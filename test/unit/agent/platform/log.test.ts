import { expect, test } from "vitest";
import { createLog } from "../../../../agent/platform/log.ts";
import { newAccessToken } from "../../../../protocol/values/token.ts";

function logged(message: string): string {
  const lines: string[] = [];
  createLog({ level: "info", write: (line) => lines.push(line) }).info(message);
  return lines.join("");
}

test("a line stays one line, and no token gets into it", () => {
  const token = newAccessToken();
  expect(logged(`a\r\nb ${token}`)).toBe("sallyport: a b spt_…\n");
});

test("what a peer put into a message cannot steer the terminal", () => {
  const line = logged("refused forwarding to \u001b]0;owned\u0007\u001b[2J\u009b1mhost\u202e:22");
  expect(line).toBe("sallyport: refused forwarding to �]0;owned��[2J�1mhost�:22\n");
});
