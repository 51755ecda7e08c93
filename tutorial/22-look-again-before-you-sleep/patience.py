import socket, time

def values_for_a_slow_reader():
    client = socket.create_connection(("localhost", 11211))
    replies = client.makefile("rb")
    client.sendall(b"set large 0 0 900000\r\n" + b"x" * 900000 + b"\r\n")
    replies.readline()
    for _ in range(50):  # a client in a hurry ...
        client.sendall(b"get nothing\r\n")
        replies.readline()
    client.sendall(b"get large\r\n" * 30 + b"quit\r\n")
    time.sleep(0.2)  # ... and then it is not
    try:
        return replies.read().count(b"VALUE large")
    except ConnectionResetError:
        return 0

if all(values_for_a_slow_reader() == 30 for _ in range(10)):
    print("30 values, all of them, ten times")
else:
    print("the server hung up before it had sent 30 values")
