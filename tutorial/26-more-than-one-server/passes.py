"""What a server answers, and what a client hears through a proxy: `passes.py CONFIGURATION`."""

import socket
import sys

from servers import PROXY, start, start_proxy

COMMANDS = [
    'set k 0 60 1\r\nx', 'add k 0 60 1\r\nx', 'replace k 0 60 1\r\nx', 'append k 0 60 1\r\nx',
    'prepend k 0 60 1\r\nx', 'cas k 0 60 1 1\r\nx', 'get k', 'get k l m', 'gets k', 'gat 60 k',
    'gats 60 k', 'touch k 60', 'incr k 1', 'decr k 1', 'delete k', 'delete k 0', 'mg k v',
    'ms k 1\r\nx', 'ma k', 'md k', 'mn', 'version', 'stats', 'verbosity 0', 'flush_all', 'what',
]


def ask(address, command):
    with socket.create_connection(address) as connection:
        connection.sendall(command.encode() + b'\r\n')
        try:
            return connection.recv(1024).decode().split() or ['(hangs up)']
        except ConnectionResetError:
            return ['(hangs up)']


server = start(3)[0].address
start_proxy(sys.argv[1])
for command in COMMANDS:
    answers = []
    for address in server, PROXY:
        ask(address, 'set k 0 60 1\r\n5')
        answers.append(ask(address, command)[0])
    print('%-20s %-12s %s' % (command.splitlines()[0], *answers))
