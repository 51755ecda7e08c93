"""Stores small items. How many are still there, and by how many megabytes has the server grown? (Linux)"""

import glob
import itertools
import os
import socket
import sys

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


count = int(sys.argv[1])
client = socket.create_connection(ADDRESS)
replies = client.makefile('rb')
before = kilobytes(server())
for first in range(0, count, 1000):
    bundle = [b'set %06d 0 0 10 noreply\r\n0123456789\r\n' % key for key in range(first, first + 1000)]
    client.sendall(b''.join(bundle) + b'version\r\n')
    replies.readline()
grown = (kilobytes(server()) - before) * 1024 / 1_000_000
there = 0
for first in range(0, count, 1000):
    client.sendall(b'get' + b''.join(b' %06d' % key for key in range(first, first + 1000)) + b'\r\n')
    for line in itertools.takewhile(b'END\r\n'.__ne__, replies):
        there += line == b'0123456789\r\n'
print('%d of %d are there, and the server grew by about %d megabytes' % (there, count, round(grown, -1)))
