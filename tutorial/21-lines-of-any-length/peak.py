import socket

with socket.create_connection(('localhost', 11211)) as client:
    lines = client.makefile('rb')
    client.sendall(b'stats\r\n')
    pid = lines.readline().split()[2].decode()
    while lines.readline() not in [b'END\r\n', b'']:
        pass
    client.sendall(b'get' + b' k' * 3_500_000 + b' ' + b'k' * 251 + b'\r\n')
    print(lines.readline().decode().strip())
with open(f'/proc/{pid}/status') as status:
    [peak] = [int(line.split()[1]) // 1024 for line in status if line.startswith('VmHWM')]
print('the server took', 'more' if peak > 64 else 'less', 'than the 64 MB of -m')
