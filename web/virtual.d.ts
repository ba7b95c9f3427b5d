// What the build makes and TypeScript cannot see: packaging/build/web.ts.

declare module "virtual:german" {
  /** English text → German text, for the strings that web/ shows. */
  const texts: Readonly<Record<string, string>>;
  export default texts;
}
