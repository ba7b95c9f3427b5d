// The installer for Windows: a script for PowerShell 5.1 and newer, made for one gateway and one release, as install-sh.ts.

import type { ReleaseManifest } from "../../../protocol/release/manifest.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";

/** The script. URL, version and digest have no characters that mean anything to PowerShell within single quotes. */
export function powerShellInstaller(gateway: GatewayUrl, { version, files }: ReleaseManifest): string {
  const archive = files.find(({ name }) => name === "sallyport-win-x64.tar.gz");
  return `# Installs Sallyport ${version} from the gateway ${gateway}, and runs it if arguments follow:
#
#   irm ${gateway}/install.ps1 | iex
#   & ([scriptblock]::Create((irm ${gateway}/install.ps1))) host --token-file FILE
#
# SALLYPORT_HOME  the directory to install into; otherwise %LOCALAPPDATA%\\sallyport
# SALLYPORT_FROM  a directory that has the files of the release already; nothing is downloaded
#
# Nothing runs before the closing brace, so a script that was cut off does nothing.
& {
  $ErrorActionPreference = 'Stop'
  # Its progress bar makes a download ten times as long.
  $ProgressPreference = 'SilentlyContinue'
  $gateway = '${gateway}'
  $version = '${version}'
  $want = '${archive?.sha256 ?? ""}'
  if ($want -eq '') { throw 'sallyport: the gateway has no program for Windows' }
  $place = if ($env:SALLYPORT_HOME) { $env:SALLYPORT_HOME } else { Join-Path $env:LOCALAPPDATA 'sallyport' }
  $versions = Join-Path $place 'versions'
  $target = Join-Path $versions "$version-win-x64"
  $program = Join-Path $target 'sallyport.exe'
  if (-not (Test-Path -LiteralPath $program)) {
    New-Item -ItemType Directory -Force -Path $versions | Out-Null
    $part = Join-Path $place ('.part.' + [guid]::NewGuid())
    $new = Join-Path $part 'new'
    New-Item -ItemType Directory -Path $new | Out-Null
    try {
      $archive = Join-Path $part 'archive.tar.gz'
      if ($env:SALLYPORT_FROM) {
        Copy-Item -LiteralPath (Join-Path $env:SALLYPORT_FROM 'sallyport-win-x64.tar.gz') -Destination $archive
      } else {
        [Console]::Error.WriteLine("sallyport: downloading $gateway/bin/sallyport-win-x64.tar.gz")
        [Net.ServicePointManager]::SecurityProtocol =
          [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
        Invoke-WebRequest -UseBasicParsing -Uri "$gateway/bin/sallyport-win-x64.tar.gz" -OutFile $archive
      }
      $got = (Get-FileHash -Algorithm SHA256 -LiteralPath $archive).Hash.ToLowerInvariant()
      if ($got -ne $want) {
        throw "sallyport: what came is damaged (SHA-256 $got instead of $want); nothing was installed"
      }
      & tar.exe -xzf $archive -C $new
      if ($LASTEXITCODE -ne 0) { throw 'sallyport: the archive cannot be unpacked' }
      & (Join-Path $new 'sallyport.exe') version | Out-Null
      if ($LASTEXITCODE -ne 0) { throw 'sallyport: the program does not run here' }
      # If another run was first, its directory stays.
      if (-not (Test-Path -LiteralPath $target)) { Move-Item -LiteralPath $new -Destination $target }
    } finally {
      Remove-Item -Recurse -Force -LiteralPath $part
    }
  }
  # Links to files need a privilege; junctions do not.
  $current = Join-Path $place 'current'
  if (Test-Path -LiteralPath $current) { [IO.Directory]::Delete($current) }
  New-Item -ItemType Junction -Path $current -Target $target | Out-Null
  # Whoever has no variable of their own gets an empty one here.
  $path = [string][Environment]::GetEnvironmentVariable('Path', 'User')
  if (";$path;" -notlike "*;$current;*") {
    [Environment]::SetEnvironmentVariable('Path', ($path.TrimEnd(';') + ";$current").TrimStart(';'), 'User')
  }
  if (";$env:Path;" -notlike "*;$current;*") { $env:Path = "$env:Path;$current" }
  [Console]::Error.WriteLine("sallyport: version $version is installed as $current\\sallyport.exe")
  if ($args.Count -gt 0) {
    if (-not $env:SALLYPORT_GATEWAY) { $env:SALLYPORT_GATEWAY = $gateway }
    & $program @args
  }
} @args
`;
}
