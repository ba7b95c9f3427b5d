// Prints how long a companion takes to start, as an executable and from a clone: node test/release/start-time.ts [ROUNDS]

import { releasedProgram } from "./support/release.ts";
import { companionStarts } from "./support/start-time.ts";

const starts = await companionStarts(releasedProgram("linux-x64"), Number(process.argv[2] ?? 21));
const [base] = starts;
for (const { name, cpuMs, wallMs } of starts) {
  const ratio = (cpuMs / (base?.cpuMs ?? cpuMs)).toFixed(2);
  process.stdout.write(`${name.padEnd(20)} ${cpuMs.toFixed(0)} ms CPU (${ratio}), ${wallMs.toFixed(0)} ms\n`);
}
