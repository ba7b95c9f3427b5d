// The one HTML document of the dashboard. All that differs between gateways is the path of the public URL.

import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { WebFiles } from "./files.ts";

/** @param files undefined: the dashboard was not built */
export function pageHtml(publicUrl: GatewayUrl, files: WebFiles | undefined): string {
  const base = escaped(new URL(publicUrl).pathname.replace(/\/$/, ""));
  if (files === undefined) {
    return document(
      base,
      "<title>Sallyport</title>",
      "<h1>Sallyport</h1><p>The gateway runs. Its dashboard was not built: run <code>npm run build</code>.</p>",
    );
  }
  const { main, style, icon, preload } = files.index;
  const at = (name: string): string => `${base}/${escaped(name)}`;
  return document(
    base,
    [
      "<title>Sallyport</title>",
      `<link rel="icon" href="${at(icon)}" type="image/svg+xml">`,
      `<link rel="stylesheet" href="${at(style)}">`,
      `<script type="module" src="${at(main)}"></script>`,
      ...preload.map((name) => `<link rel="modulepreload" href="${at(name)}">`),
    ].join("\n"),
    '<div id="app"></div>\n<noscript>The dashboard of Sallyport needs JavaScript.</noscript>',
  );
}

function document(base: string, head: string, body: string): string {
  return `<!doctype html>
<html lang="en" data-base="${base}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${head}
</head>
<body>
${body}
</body>
</html>
`;
}

/** The path of a gateway's URL has none of these; that it stays so must not depend on a different file. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
