"""Fifty visitors come at once, and the page is not in the cache. How often is it computed?"""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

everybody, computed = threading.Barrier(50), []


def ask(server, line):
    server.write(line + b'\r\n')
    answer = server.readline().split()
    if answer[0] == b'VA':
        server.readline()  # the page itself
    return answer


def visit(_):
    server = socket.create_connection(('localhost', 11211)).makefile('rwb', 0)
    answer = ask(server, b'mg herd v N30')
    everybody.wait()  # all have asked, and nobody has stored the page yet
    while b'Z' in answer:  # somebody else is computing it
        time.sleep(0.01)
        answer = ask(server, b'mg herd v')
    if b'W' in answer or b'EN' in answer:
        computed.append('page')  # this is what takes so long
        ask(server, b'ms herd 4\r\npage')


with ThreadPoolExecutor(50) as pool:
    list(pool.map(visit, range(50)))
print('times computed:', len(computed))
