"""Stops the server for a moment, as Ctrl-Z and fg do, while a client is connected."""
import contextlib, glob, os, signal, socket, time

PORT = 11211
server = None
with open("/proc/net/tcp") as sockets:  # Linux tells here which socket listens, and there who has it
    rows = [row.split() for row in sockets]
[number] = [row[9] for row in rows if row[1].endswith(f":{PORT:04X}") and row[3] == "0A"]
for file in glob.glob("/proc/[0-9]*/fd/*"):
    with contextlib.suppress(OSError):
        if os.readlink(file) == f"socket:[{number}]":
            server = int(file.split("/")[2])

client = socket.create_connection(("localhost", PORT))
for signals in [], [signal.SIGSTOP, signal.SIGCONT] * 3:  # it may be awake just now: so three times
    for each in signals:
        time.sleep(0.3)
        os.kill(server, each)
    time.sleep(0.3)
    client.sendall(b"get nothing\r\n")
    print(client.recv(100).decode().strip() or "the server has hung up")
