// The installer for Linux and macOS: a POSIX shell script (dash, busybox, bash, ksh), made for one gateway and one release.
// It has the digests inside, so it trusts nothing that it downloads afterwards.

import { PLATFORMS, type ReleaseManifest } from "../../../protocol/release/manifest.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";

/**
 * The script. URL, version and digests are of the characters that their validators allow, none of which means anything to a
 * shell within single quotes.
 */
export function shellInstaller(gateway: GatewayUrl, { version, files }: ReleaseManifest): string {
  const digests = PLATFORMS.filter((platform) => !platform.startsWith("win")).flatMap((platform) => {
    const archive = files.find(({ name }) => name === `sallyport-${platform}.tar.gz`);
    return archive === undefined ? [] : [`    ${platform}) want=${archive.sha256} ;;`];
  });
  return `#!/bin/sh
# Installs Sallyport ${version} from the gateway ${gateway}, and runs it if arguments follow:
#
#   curl -fsSL ${gateway}/install.sh | sh
#   curl -fsSL ${gateway}/install.sh | sh -s -- host --token-file FILE
#
# SALLYPORT_HOME  the directory to install into; otherwise the first suitable one
# SALLYPORT_BIN   the directory for the command; otherwise /usr/local/bin for root, ~/.local/bin for others
# SALLYPORT_CA    certificate authorities (PEM) that the gateway's certificate is checked with
# SALLYPORT_FROM  a directory that has the files of the release already; nothing is downloaded
#
# Nothing runs before the closing brace, so a script that was cut off does nothing.
{
set -eu

main() {
  gateway='${gateway}' version='${version}'
  find_platform
  case $platform in
${digests.join("\n")}
    *) fail "the gateway has no program for $platform" ;;
  esac
  leaf=$version-$platform
  find_place
  program=$place/versions/$leaf/sallyport
  if [ ! -x "$program" ]; then install; fi
  put_on_path
  [ $# -gt 0 ] || exit 0
  # The program means this gateway, unless it is told otherwise.
  SALLYPORT_GATEWAY=\${SALLYPORT_GATEWAY:-$gateway}
  export SALLYPORT_GATEWAY
  case $- in
    *s*) # This script came by stdin, which the program must not read.
      if (: </dev/tty) 2>/dev/null; then exec "$program" "$@" </dev/tty; fi
      exec "$program" "$@" </dev/null ;;
  esac
  exec "$program" "$@"
}

# Sets platform: linux-x64, linux-musl-arm64, darwin-arm64 and so on
find_platform() {
  system=$(uname -s) machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64 | armv8*) machine=arm64 ;;
    *) fail "there is no Sallyport for $machine processors" ;;
  esac
  case $system in
    Linux) find_libc; platform=linux-$libc$machine ;;
    Darwin)
      # A shell that runs under Rosetta says x86_64.
      if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then machine=arm64; fi
      platform=darwin-$machine ;;
    *) fail "there is no Sallyport for $system in this script; Windows has $gateway/install.ps1" ;;
  esac
}

# Sets libc: "musl-" or, for glibc, nothing. The loader of the system's own shell tells; other loaders may be there for guests.
find_libc() {
  loader=$(head -c 4096 /bin/sh 2>/dev/null | tr -c 'a-z0-9_.-' '\\n' 2>/dev/null | grep -e '^ld-musl' -e '^ld-linux' || :)
  case $loader in
    ld-musl*) libc=musl-; return ;;
    ld-linux*) libc=; return ;;
  esac
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 /lib/*-linux-gnu/ld-linux*; do
    if [ -e "$loader" ]; then libc=; return; fi
  done
  for loader in /lib/ld-musl-*.so.1; do
    if [ -e "$loader" ]; then libc=musl-; return; fi
  done
  fail "neither glibc nor musl is here, one of which Sallyport needs"
}

# Sets place: the first directory that has this version already, or that can be written to and run from.
find_place() {
  place=
  if [ -n "\${SALLYPORT_HOME:-}" ]; then
    # No other place is tried: a volume that is not used would mean a download for each container.
    if has_it "$SALLYPORT_HOME" || is_usable "$SALLYPORT_HOME"; then place=$SALLYPORT_HOME; return; fi
    fail "SALLYPORT_HOME=$SALLYPORT_HOME cannot be written to and run from by user $(id -u)"
  fi
  user=$(id -u) home=\${HOME:-} shared=\${TMPDIR:-/tmp} tried=
  data=\${XDG_DATA_HOME:-}
  if [ -z "$data" ] && [ -n "$home" ] && [ "$home" != / ]; then data=$home/.local/share; fi
  if [ "$user" = 0 ]; then
    set -- /opt/sallyport
    # sudo may leave root the home of a person, who could exchange what root would run.
    # shellcheck disable=SC3067 # -O is not of POSIX, but every shell has it.
    if [ -e "$home" ] && [ ! -O "$home" ]; then data=; fi
  else set --; fi
  if [ -n "$data" ]; then set -- "$@" "$data/sallyport"; fi
  [ "$user" = 0 ] || set -- "$@" /opt/sallyport
  for place in "$@"; do
    if has_it "$place"; then return; fi
  done
  for place in "$@" "/var/tmp/sallyport-$user" "$shared/sallyport-$user" "/dev/shm/sallyport-$user"; do
    case " $tried " in *" $place "*) continue ;; esac
    if is_own "$place" && is_usable "$place"; then return; fi
    tried="$tried $place"
  done
  fail "there is no directory that can be written to and run from; tried:$tried; set SALLYPORT_HOME to one"
}

has_it() { [ -x "$1/versions/$leaf/sallyport" ]; }

# Others may have put something there, where everyone can, and could exchange what is run there: nothing is, unless it is a
# directory of this user. One look at it tells both, since a link can change in between.
is_own() {
  (umask 022; mkdir -p "$1") 2>/dev/null || return 1
  facts=$(ls -ldn "$1" 2>/dev/null) || return 1
  case $facts in d*) ;; *) return 1 ;; esac
  # shellcheck disable=SC2086 # It is to be split.
  set -- $facts
  [ "$3" = "$user" ]
}

# Writes a script there and runs it: a file system may be mounted read-only or noexec.
is_usable() {
  (umask 022; mkdir -p "$1") 2>/dev/null || return 1
  probe=$(mktemp "$1/.part.XXXXXX" 2>/dev/null) || return 1
  if printf '#!/bin/sh\\nexit 0\\n' >"$probe" 2>/dev/null && chmod 700 "$probe" && "$probe" 2>/dev/null; then
    rm -f "$probe"
  else
    rm -f "$probe"
    return 1
  fi
}

# Unpacks beside, checks, and moves into place in one step: runs at the same time do not disturb each other.
install() {
  umask 022
  mkdir -p "$place/versions"
  # What runs that were killed have left behind.
  find "$place" -maxdepth 1 -name '.part.*' -mtime +0 -exec rm -rf {} + 2>/dev/null || :
  part=$(mktemp -d "$place/.part.XXXXXX") || fail "nothing can be written to $place"
  trap 'rm -rf "$part"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  archive=sallyport-$platform.tar.gz
  if [ -n "\${SALLYPORT_FROM:-}" ]; then
    source=$SALLYPORT_FROM/$archive
    cp "$source" "$part/archive" || fail "$source cannot be read"
  else
    source=$gateway/bin/$archive
    download "$source" "$part/archive"
  fi
  got=$(digest "$part/archive") || fail "sha256sum, shasum or openssl is needed to check what came"
  if [ "$got" != "$want" ]; then
    case $(head -c 1 "$part/archive") in
      '<') fail "a web page came instead of $source, perhaps from a proxy; nothing was installed" ;;
    esac
    fail "what came from $source is damaged (SHA-256 $got instead of $want); nothing was installed"
  fi
  new=$part/new.\${part##*.}
  mkdir "$new"
  gzip -dc "$part/archive" | tar -xf - -C "$new" || fail "$archive cannot be unpacked in $place"
  chmod 755 "$new" "$new/sallyport"
  said=$("$new/sallyport" version 2>&1) ||
    fail "Sallyport for $platform does not run here: $(printf '%s\\n' "$said" | head -n 1)"
  target=$place/versions/$leaf
  # A directory without a program is the rest of one that was being removed.
  if [ -e "$target" ] && [ ! -x "$program" ]; then rm -rf "$target"; fi
  mv "$new" "$target" 2>/dev/null || [ -x "$program" ] || fail "nothing can be written to $place/versions"
  # If another run was first, mv has moved it into that one's directory.
  rm -rf "\${target:?}/\${new##*/}" "$part"
  trap - EXIT INT TERM HUP
}

download() {
  ca=\${SALLYPORT_CA:-}
  if command -v curl >/dev/null 2>&1; then
    set -- curl -fsSL --retry 3 --connect-timeout 30 \${ca:+--cacert "$ca"} -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    case $(wget --help 2>&1) in
      *--ca-certificate*) set -- wget -q \${ca:+"--ca-certificate=$ca"} -O "$2" "$1" ;;
      *) set -- wget -q -O "$2" "$1" ;;
    esac
  elif command -v busybox >/dev/null 2>&1; then
    set -- busybox wget -q -O "$2" "$1"
  else
    fail "curl or wget is needed; or copy $archive here, and set SALLYPORT_FROM to its directory"
  fi
  # busybox wget leaves certificates to a helper, which takes the authorities from this variable.
  if [ -n "$ca" ]; then SSL_CERT_FILE=$ca; export SSL_CERT_FILE; fi
  say "downloading $source"
  status=0
  "$@" || status=$?
  unset SSL_CERT_FILE
  [ "$status" = 0 ] || fail "$source cannot be downloaded ($1 ended with status $status)"
}

digest() {
  if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum "$1")
  elif command -v shasum >/dev/null 2>&1; then sum=$(shasum -a 256 "$1")
  elif command -v openssl >/dev/null 2>&1; then sum=$(openssl dgst -sha256 -r "$1")
  else return 1; fi
  printf '%s\\n' "\${sum%% *}"
}

# Makes the link that stays the same from version to version, and one where commands are looked for.
put_on_path() {
  command=$place/sallyport
  if ! link "versions/$leaf/sallyport" "$command"; then command=$program; fi
  bin=\${SALLYPORT_BIN:-}
  if [ -z "$bin" ] && [ "$(id -u)" = 0 ]; then bin=/usr/local/bin; fi
  if [ -z "$bin" ] && [ -n "\${HOME:-}" ] && [ "$HOME" != / ]; then bin=$HOME/.local/bin; fi
  if [ -n "$bin" ] && is_ours "$bin/sallyport" && link "$command" "$bin/sallyport"; then command=$bin/sallyport; fi
  case :$PATH: in
    *":\${command%/*}:"*) say "version $version is installed as $command" ;;
    *) say "version $version is installed as $command; to find it by name: export PATH=\\"\${command%/*}:\\$PATH\\"" ;;
  esac
}

# Whether there is nothing yet, or a link to a Sallyport that this script has installed.
is_ours() {
  [ -L "$1" ] || { [ ! -e "$1" ]; return; }
  case $(readlink "$1") in */sallyport) return 0 ;; esac
  return 1
}

# link TARGET NAME: replaces the link NAME in one step.
link() {
  [ "$(readlink "$2" 2>/dev/null)" != "$1" ] || return 0
  mkdir -p "\${2%/*}" 2>/dev/null || return 1
  ln -s "$1" "$2.$$" 2>/dev/null && mv -f "$2.$$" "$2" 2>/dev/null && return 0
  rm -f "$2.$$" 2>/dev/null
  return 1
}

say() { printf 'sallyport: %s\\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

main "$@"
}
`;
}
