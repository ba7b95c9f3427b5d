// Loads the program's chunks inside an executable, each from its text and with V8's compiled code for it. Compiled code that this
// V8 does not accept (that of another processor) costs nothing: V8 compiles the text.

import { dirname, join, posix } from "node:path";
import { Script } from "node:vm";

export interface ChunkSource {
  /** In ASCII, and wrapped by `wrapped`. */
  text(name: string): string;
  /** V8's code cache; undefined if there is none. */
  cache(name: string): Buffer | undefined;
}

interface LoadedModule {
  exports: unknown;
}

const PARAMETERS = "exports,require,module,__filename,__dirname";

/** A chunk as a function, as Node does it with CommonJS. On one line, so that line numbers stay. */
export function wrapped(chunk: string): string {
  return `(function(${PARAMETERS}){${chunk.replace(/^#!.*/, "")}\n})`;
}

/**
 * A `require` for the chunks.
 * @param directory where they pretend to be: nothing is read from there
 * @param outside loads what is not a chunk
 * @param onScript gets each script before it runs
 */
export function chunkLoader(
  source: ChunkSource,
  directory: string,
  outside: (name: string) => unknown,
  onScript?: (name: string, script: Script) => void,
): (name: string) => unknown {
  const modules = new Map<string, LoadedModule>();
  return function load(name) {
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module: LoadedModule = { exports: {} };
    modules.set(name, module);
    const cachedData = source.cache(name);
    const filename = join(directory, name);
    const script = new Script(source.text(name), {
      filename,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    onScript?.(name, script);
    const require = (wanted: string): unknown =>
      wanted.startsWith(".") ? load(posix.join(posix.dirname(name), wanted)) : outside(wanted);
    const run: unknown = script.runInThisContext();
    if (typeof run !== "function") throw new TypeError(`${name} is not a chunk`);
    run.call(module.exports, module.exports, require, module, filename, dirname(filename));
    return module.exports;
  };
}
