# The service's user and directory. The service itself is for the administrator to enable and start.
if command -v systemd-sysusers >/dev/null; then systemd-sysusers sallyport.conf || :; fi
if command -v systemd-tmpfiles >/dev/null; then systemd-tmpfiles --create sallyport.conf || :; fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload >/dev/null || :; fi
