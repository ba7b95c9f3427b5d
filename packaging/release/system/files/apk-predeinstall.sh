#!/bin/sh
# Ends the service before its program goes. Data stays in /var/lib/sallyport.
if [ -x /sbin/rc-service ] && rc-service --quiet sallyport-gateway status >/dev/null 2>&1; then
  rc-service sallyport-gateway stop
fi
exit 0
