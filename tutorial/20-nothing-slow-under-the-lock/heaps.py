import socket
import subprocess

clients = [socket.create_connection(('localhost', 11211)) for _ in range(8)]
value = bytes(10_000)
for number, client in enumerate(clients):
    for key in range(800):
        client.sendall(b'set %d.%d 0 0 10000 noreply\r\n%s\r\n' % (number, key, value))
    client.sendall(b'version\r\n')
    client.recv(100)
clients[0].sendall(b'stats\r\n')
pid = clients[0].recv(100).split()[2].decode()
kilobytes = int(subprocess.check_output(['ps', '-o', 'rss=', '-p', pid]))
print('less' if kilobytes < 24_000 else 'more', 'than 24 megabytes')
