# Ends the service before its program goes; $1 is 1 when a newer one takes its place.
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then
  systemctl --no-reload disable --now sallyport-gateway.service >/dev/null 2>&1 || :
fi
