import socket


def connect():
    return socket.create_connection(('localhost', 11211))


writer = connect()
readers, replies = [], []
for number in range(12):
    writer.sendall(b'set big 0 0 7000000\r\n' + bytes(7_000_000) + b'\r\n')
    replies.append(writer.recv(100).split()[0].decode())
    reader = connect()
    reader.sendall(b'get big\r\n')
    reader.recv(1)
    readers.append(reader)
    writer.sendall(b'delete big\r\n')
    writer.recv(100)
print('first', replies[0] + ', last', replies[-1])
