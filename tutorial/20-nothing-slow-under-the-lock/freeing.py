import socket
import threading
import time


def connect():
    return socket.create_connection(('localhost', 11211))


def flush():
    writer.sendall(b'flush_all\r\n')
    writer.recv(100)
    ends.append(time.monotonic())


writer, other, ends = connect(), connect(), []
for start in range(0, 300_000, 1000):
    keys = range(start, start + 1000)
    writer.sendall(b''.join(b'set k%d 0 0 1 noreply\r\nx\r\n' % key for key in keys))
writer.sendall(b'version\r\n')
writer.recv(100)
threading.Thread(target=flush).start()
answer = b'VALUE'
while answer.startswith(b'VALUE'):
    begin = time.monotonic()
    other.sendall(b'get k7\r\n')
    answer = other.recv(100)
waited = time.monotonic() - begin
while not ends:
    time.sleep(0.001)
freed = max(ends[0] - begin - waited, 0)
print('others wait' if waited > freed else 'others are served')
