import socket
import threading


def talk(commands):
    with socket.create_connection(('localhost', 11211)) as client:
        client.sendall(commands + b'quit\r\n')
        return client.makefile('rb').read()


def misses():
    lines = talk(b'stats\r\n').split(b'\r\n')
    [line] = [line for line in lines if line.startswith(b'STAT get_misses ')]
    return int(line.split()[2])


before = misses()
line = b'get' + b' nothing' * 1000 + b'\r\n'
clients = [threading.Thread(target=talk, args=(line * 400,)) for _ in range(8)]
for client in clients:
    client.start()
for client in clients:
    client.join()
print(f'of 3200000 misses {misses() - before} were counted')
