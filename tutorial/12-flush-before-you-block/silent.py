"""Clients that ask and do not read. How many are there, how often does each name a value of a megabyte?"""

import glob
import os
import socket
import sys
import time

ADDRESS = ('127.0.0.1', 11211)


def server():
    """The folder of the process that listens there."""
    sockets = [line.split() for line in open('/proc/net/tcp')]
    port = ':%04X' % ADDRESS[1]
    own = ['socket:[%s]' % words[9] for words in sockets if words[1].endswith(port) and words[3] == '0A']
    for link in glob.glob('/proc/[0-9]*/fd/*'):
        try:
            if os.readlink(link) in own:
                return link.split('/fd/')[0]
        except OSError:
            pass  # it has just ended, or is somebody else's


def kilobytes(folder):
    lines = [line.split() for line in open(folder + '/status')]
    return next(int(words[1]) for words in lines if words[0] == 'VmRSS:')


count, times = int(sys.argv[1]), int(sys.argv[2])
clients = [socket.create_connection(ADDRESS) for _ in range(count)]
clients[0].sendall(b'set k 0 0 1000000\r\n%s\r\n' % (b'x' * 1000000))
clients[0].recv(100)
process = server()
before = kilobytes(process)
for client in clients:
    client.sendall(b'get' + b' k' * times + b'\r\n')
for client in clients:
    client.recv(1)
after = 0
while after != kilobytes(process):  # until it rests
    after = kilobytes(process)
    time.sleep(0.3)
grown = (after - before) * 1024 / 1_000_000
print('the server grew by about %d megabytes' % round(grown, -1))
