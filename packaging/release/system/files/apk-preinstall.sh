#!/bin/sh
# The service's user. The service itself is for the administrator to add and start.
addgroup -S sallyport 2>/dev/null
adduser -S -D -H -h /var/lib/sallyport -s /sbin/nologin -G sallyport -g "Sallyport gateway" sallyport 2>/dev/null
exit 0
