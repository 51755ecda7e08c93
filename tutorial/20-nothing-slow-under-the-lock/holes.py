import socket
import subprocess

client = socket.create_connection(('localhost', 11211))


def fill(count, length):
    value = bytes(length)
    for key in range(count):
        client.sendall(b'set %d.%d 0 0 %d noreply\r\n%s\r\n' % (length, key, length, value))


def ask(line):
    client.sendall(line + b'\r\n')
    reply = b''
    while not reply.endswith(b'END\r\n'):
        reply += client.recv(65536) or exit('the server has gone')
    return reply


fill(100_000, 100)
for key in range(0, 100_000, 20):
    ask(b'get 100.%d' % key)
fill(200, 200_000)
pid = ask(b'stats').split()[2].decode()
kilobytes = int(subprocess.check_output(['ps', '-o', 'rss=', '-p', pid]))
print('less' if kilobytes < 24_000 else 'more', 'than 24 megabytes')
