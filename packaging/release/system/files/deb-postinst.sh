#!/bin/sh
# The service's user and directory. The service itself is for the administrator to enable and start.
set -e

if [ "$1" = configure ]; then
  if command -v systemd-sysusers >/dev/null; then systemd-sysusers sallyport.conf; fi
  if command -v systemd-tmpfiles >/dev/null; then systemd-tmpfiles --create sallyport.conf; fi
  if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    # After an upgrade: what runs goes on in the new version.
    if [ -n "$2" ]; then deb-systemd-invoke try-restart sallyport-gateway.service || true; fi
  fi
fi
