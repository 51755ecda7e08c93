"""How long a bundle of gets takes that is sent at once: how many there are in it, and how large is the value?"""

import socket
import sys
import time

count, size = int(sys.argv[1]), int(sys.argv[2])
connection = socket.create_connection(('127.0.0.1', 11211))
replies = connection.makefile('rb')
connection.sendall(b'set k 0 0 %d\r\n%s\r\n' % (size, b'x' * size))
replies.readline()

answer = len(b'VALUE k 0 %d\r\n' % size) + size + len(b'\r\nEND\r\n')
times = []
for _ in range(20):
    start = time.perf_counter()
    connection.sendall(b'get k\r\n' * count)
    replies.read(answer * count)
    times.append((time.perf_counter() - start) * 1000)
median = sorted(times)[10]
waits = ', and somebody waits' if median > 30 else ''
print('%d of %d bytes: %.2f ms%s' % (count, size, median, waits))
