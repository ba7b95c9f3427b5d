# A long line in one network namespace: a TUN device whose packets come back after DELAY ms, with LOSS of them missing.
# What is sent to FAR arrives at NEAR as if it came from FAR: source and destination are exchanged, which leaves every
# checksum right. So a server on NEAR is reached at FAR over the line, with the kernel's own TCP on both ends, where
# the kernel has no netem for loopback.
#   delay-line.py DEVICE NEAR FAR, then lines "DELAY_MS LOSS" on stdin: the delay of one way, and a fraction.
# It prints "ready" once the device is up, "set" after each line, and ends with its stdin.

import collections, fcntl, os, random, select, struct, subprocess, sys, time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# As deep as a router's queue would be at these rates; more than that is dropped.
MAX_PACKETS = 200_000

device, near, far = sys.argv[1:4]
tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
subprocess.run(["ip", "address", "add", near, "peer", far, "dev", device], check=True)
subprocess.run(["ip", "link", "set", device, "up", "mtu", "1500", "txqueuelen", "100000"], check=True)
print("ready", flush=True)

delay, loss = 0.0, 0.0
line = collections.deque()
now, chance, read, write = time.monotonic, random.random, os.read, os.write
stdin = sys.stdin.fileno()
while True:
    wait = max(0.0, line[0][0] - now()) if line else None
    readable, _, _ = select.select([tun, stdin], [], [], wait)
    if stdin in readable:
        command = os.read(stdin, 1000)
        if not command:
            break
        words = command.split()
        delay, loss = float(words[-2]) / 1000, float(words[-1])
        line.clear()
        print("set", flush=True)
    if tun in readable:
        due = now() + delay
        # Not for ever: what is due must leave as well.
        for _ in range(256):
            try:
                packet = read(tun, 2000)
            except BlockingIOError:
                break
            # IPv4 alone: the kernel also says IPv6 things on a new device.
            if packet[0] >> 4 != 4 or (loss and chance() < loss) or len(line) >= MAX_PACKETS:
                continue
            line.append((due, packet[:12] + packet[16:20] + packet[12:16] + packet[20:]))
    moment = now()
    while line and line[0][0] <= moment:
        try:
            write(tun, line.popleft()[1])
        except OSError:
            pass  # Nobody is left to receive it.
