// The two files that make a zip a VSIX (Open Packaging Conventions): what the marketplaces read. Pure.

import { extname } from "node:path";
import type { Manifest } from "./manifest.ts";

export function vsixManifest(manifest: Manifest): string {
  const property = (id: string, value: string) =>
    `      <Property Id="Microsoft.VisualStudio.Code.${id}" Value="${escapeXml(value)}" />`;
  const asset = (type: string, path: string) =>
    `    <Asset Type="Microsoft.VisualStudio.${type}" Path="${escapeXml(path)}" Addressable="true" />`;
  const { icon } = manifest;
  return `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${escapeXml(manifest.name)}" Version="${escapeXml(manifest.version)}" Publisher="${escapeXml(manifest.publisher)}" />
    <DisplayName>${escapeXml(manifest.displayName)}</DisplayName>
    <Description xml:space="preserve">${escapeXml(manifest.description)}</Description>
    <Tags>${escapeXml(manifest.keywords.join(","))}</Tags>
    <Categories>${escapeXml(manifest.categories.join(","))}</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <License>extension/LICENSE</License>${icon === undefined ? "" : `\n    <Icon>extension/${escapeXml(icon)}</Icon>`}
    <Properties>
${[
  property("Engine", manifest.engines.vscode),
  property("ExtensionDependencies", ""),
  property("ExtensionPack", ""),
  property("ExtensionKind", manifest.extensionKind.join(",")),
  property("LocalizedLanguages", ""),
].join("\n")}
    </Properties>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code" />
  </Installation>
  <Dependencies />
  <Assets>
${[
  asset("Code.Manifest", "extension/package.json"),
  asset("Services.Content.Details", "extension/README.md"),
  asset("Services.Content.Changelog", "extension/CHANGELOG.md"),
  asset("Services.Content.License", "extension/LICENSE"),
  ...(icon === undefined ? [] : [asset("Services.Icons.Default", `extension/${icon}`)]),
].join("\n")}
  </Assets>
</PackageManifest>
`;
}

/** Every file needs a media type: by file extension, or by name if it has none. */
export function contentTypes(paths: readonly string[]): string {
  const endings = new Set([".vsixmanifest"]);
  const named: string[] = [];
  for (const path of paths) {
    if (extname(path) === "") named.push(path);
    else endings.add(extname(path));
  }
  const defaults = [...endings]
    .sort()
    .map((ending) => `  <Default Extension="${escapeXml(ending)}" ContentType="${mediaType(ending)}" />`);
  const overrides = named.map(
    (path) =>
      `  <Override PartName="/extension/${escapeXml(path)}" ContentType="application/octet-stream" />`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
${[...defaults, ...overrides].join("\n")}
</Types>
`;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".cjs": "application/javascript",
  ".js": "application/javascript",
  ".json": "application/json",
  ".md": "text/markdown",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
  ".vsixmanifest": "text/xml",
};

function mediaType(ending: string): string {
  return MEDIA_TYPES[ending] ?? "application/octet-stream";
}

function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
