import socket


def connect():
    return socket.create_connection(('localhost', 11211))


def stat(name):
    client = connect()
    client.sendall(b'stats\r\nquit\r\n')
    lines = [line.split() for line in client.makefile()]
    return next(int(line[2]) for line in lines if line[1:2] == [name])


clients = [connect() for _ in range(300)]
for number, client in enumerate(clients):
    client.sendall(b'set big%d 0 0 1000000\r\n' % number + bytes(900_000))
while stat('bytes_read') < 270_000_000:
    pass
print(stat('bytes') // 1_000_000, 'megabytes')
replies = []
for client in clients:
    client.sendall(bytes(100_000) + b'\r\n')
    replies.append(client.makefile().readline().split()[0])
print(replies.count('STORED'), 'stored,', replies.count('SERVER_ERROR'), 'refused')
