# Data stays in /var/lib/sallyport. $1 is 1 after an upgrade: what runs goes on in the new version.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload >/dev/null || :
  if [ "$1" = 1 ]; then systemctl try-restart sallyport-gateway.service >/dev/null || :; fi
fi
