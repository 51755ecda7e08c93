import socket


def connect():
    return socket.create_connection(('localhost', 11211))


def store(key):
    writer.sendall(b'set ' + key + b' 0 0 7000000\r\n' + bytes(7_000_000) + b'\r\n')
    return writer.recv(100).split()[0].decode()


writer, reader = connect(), connect()
for key in [b'a', b'b', b'c', b'd']:
    print(store(key))
reader.sendall(b'get a b c d\r\n')
reader.recv(1)
writer.sendall(b'flush_all\r\n')
writer.recv(100)
print('after flush_all', store(b'e'))
