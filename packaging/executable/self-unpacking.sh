#!/bin/sh
# Sallyport @VERSION@ for @PLATFORM@ as one file. Its program needs libraries beside it: this script unpacks them once, from the
# archive behind its last line, and starts the program. It needs nothing but busybox.

main() {
  case $0 in */*) self=$0 ;; *) self=$(command -v -- "$0") || self=$0 ;; esac
  case $self in /*) ;; *) self=$PWD/$self ;; esac
  name=@VERSION@-@DIGEST@
  user=$(id -u)
  tried=
  for place in "${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}" /var/tmp "${TMPDIR:-/tmp}" /dev/shm; do
    [ -n "$place" ] || continue
    place=$place/sallyport-unpacked-$user
    if [ -x "$place/$name/sallyport" ] && is_private "$place"; then start "$place/$name" "$@"; fi
    if (is_usable "$place" && unpack "$place") 2>/dev/null; then start "$place/$name" "$@"; fi
    tried="$tried $place"
  done
  printf 'sallyport: no directory can be written to and run from, or all are full; tried%s. Set XDG_CACHE_HOME.\n' \
    "$tried" >&2
  exit 1
}

# The program is told what people started: this file.
start() {
  program=$1/sallyport
  shift
  SALLYPORT_EXE=$self
  export SALLYPORT_EXE
  exec "$program" "$@"
}

# Ours, and nobody else may write to it. One look at it tells all of that: a link could be exchanged between two.
is_private() {
  facts=$(ls -ldn "$1") || return 1
  case $facts in d????-??-*) ;; *) return 1 ;; esac
  # shellcheck disable=SC2086 # It is to be split.
  set -- $facts
  [ "$3" = "$user" ]
}

# Some file systems are mounted so that nothing on them can be run.
is_usable() {
  mkdir -p -m 700 "$1" && is_private "$1" || return 1
  test=$1/.test.$$
  printf '#!/bin/sh\nexit 0\n' >"$test" && chmod 700 "$test" && "$test"
  result=$?
  rm -f "$test"
  return "$result"
}

# Beside, then renamed: a half of it is never started.
unpack() {
  umask 077
  part=$1/.part.$$
  rm -rf "$part"
  mkdir "$part" || return 1
  trap 'rm -rf "$part"' EXIT
  tail -c +@OFFSET@ "$self" | gzip -dc | tar -xf - -C "$part" || return 1
  [ -x "$part/sallyport" ] && "$part/sallyport" version </dev/null >/dev/null || return 1
  [ -x "$1/$name/sallyport" ] || mv "$part" "$1/$name"
}

main "$@"
