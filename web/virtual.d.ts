// What the build makes and TypeScript cannot see: packaging/build/web.ts.

declare module "virtual:german" {
  /** The key of an English text (words.ts) → the German text, for all that web/ shows. */
  const texts: Readonly<Record<string, string>>;
  export default texts;
}
