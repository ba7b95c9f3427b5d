#!/bin/sh
# Purging leaves the gateway's data in /var/lib/sallyport (database, host keys) and their owner, the user sallyport.
set -e

if [ "$1" = purge ]; then
  if command -v deb-systemd-helper >/dev/null; then deb-systemd-helper purge sallyport-gateway.service >/dev/null; fi
  rmdir /etc/sallyport 2>/dev/null || true # Not if the administrator has put something there.
fi
if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
