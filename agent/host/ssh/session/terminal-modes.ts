// Translates the terminal modes of a `pty-req` (RFC 4254 §8) into words for stty(1), which sets them on the PTY.

import { WireReader } from "../../../../protocol/ssh/wire.ts";

const CHARACTERS: Readonly<Record<number, string>> = {
  1: "intr",
  2: "quit",
  3: "erase",
  4: "kill",
  5: "eof",
  6: "eol",
  7: "eol2",
  8: "start",
  9: "stop",
  10: "susp",
  12: "rprnt",
  13: "werase",
  14: "lnext",
};

const FLAGS: Readonly<Record<number, string>> = {
  30: "ignpar",
  31: "parmrk",
  32: "inpck",
  33: "istrip",
  34: "inlcr",
  35: "igncr",
  36: "icrnl",
  38: "ixon",
  39: "ixany",
  40: "ixoff",
  41: "imaxbel",
  42: "iutf8",
  50: "isig",
  51: "icanon",
  53: "echo",
  54: "echoe",
  55: "echok",
  56: "echonl",
  57: "noflsh",
  58: "tostop",
  59: "iexten",
  60: "echoctl",
  61: "echoke",
  70: "opost",
  72: "onlcr",
  73: "ocrnl",
  74: "onocr",
  75: "onlret",
};

/** Modes without an equivalent are left out; opcodes from 160 on end the list (RFC 4254 §8). */
export function sttyWords(modes: Buffer): string[] {
  const words: string[] = [];
  const reader = new WireReader(modes);
  while (!reader.done) {
    const opcode = reader.byte();
    if (opcode === 0 || opcode >= 160) break;
    const value = reader.uint32();
    const character = CHARACTERS[opcode];
    const flag = FLAGS[opcode];
    if (character !== undefined) {
      const text = characterText(value);
      if (text !== undefined) words.push(character, text);
    } else if (flag !== undefined) {
      words.push(value === 0 ? `-${flag}` : flag);
    }
  }
  return words;
}

/** Every stty understands `^C` and `undef`; a printable character stands for itself. */
function characterText(value: number): string | undefined {
  if (value === 255) return "undef";
  if (value === 127) return "^?";
  if (value < 32) return `^${String.fromCharCode(value + 64)}`;
  return value > 32 && value < 127 ? String.fromCharCode(value) : undefined;
}
