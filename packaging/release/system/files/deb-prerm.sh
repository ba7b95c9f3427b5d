#!/bin/sh
# Ends the service before its program goes; not when a newer one takes its place.
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop sallyport-gateway.service
fi
