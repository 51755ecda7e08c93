"""Forty clients connect and ask for something. What does each of them hear within three seconds?"""
import collections, socket, time


def hears(client, seconds):
    client.settimeout(max(seconds, 0.01))
    try:
        return "served" if client.recv(5) == b"END\r\n" else "told that they are too many"
    except TimeoutError:
        return "in the dark"


clients = [socket.create_connection(("localhost", 11211)) for _ in range(40)]
time.sleep(1)
told = [client for client in clients if hears(client, 0) != "in the dark"]
asking = [client for client in clients if client not in told]
for client in asking:
    client.sendall(b"get nothing\r\n")
end = time.time() + 3
heard = collections.Counter(hears(client, end - time.time()) for client in asking)
for what, count in [("served", heard["served"]), ("in the dark", heard["in the dark"]),
                    ("told that they are too many", len(told))]:
    if count:
        print(f"{what}: {count}")
