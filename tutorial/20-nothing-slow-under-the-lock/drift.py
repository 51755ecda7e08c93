import socket

client = socket.create_connection(('localhost', 11211))


def stored(old, new):
    for key in range(20_000):
        client.sendall(b'delete %s%d noreply\r\nset %s%d 0 0 1 noreply\r\nx\r\n' % (old, key, new, key))
    client.sendall(b'stats\r\n')
    text = b''
    while not text.endswith(b'END\r\n'):
        text += client.recv(65536) or exit('the server has gone')
    lines = [line.split() for line in text.decode().splitlines()]
    return next(int(line[2]) for line in lines if line[1:2] == ['bytes'])


first = stored(b'b', b'a')
for _ in range(2):
    stored(b'a', b'b')
    last = stored(b'b', b'a')
print('the same items take', last - first, 'bytes more')
