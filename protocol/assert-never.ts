// The end of a `switch` over the kinds of something: it does not compile while a kind is missing.

/** @throws TypeError, if a value that no type allows gets here all the same */
export function assertNever(rest: never): never {
  throw new TypeError(`not a known kind: ${JSON.stringify(rest)}`);
}
