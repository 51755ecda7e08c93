"""Stores items, and tells what each of them takes: python3 grown.py ITEMS LENGTH [KEYS]"""
import itertools, socket, subprocess, sys

items, length = int(sys.argv[1]), int(sys.argv[2])
keys = int((sys.argv + [items])[3])
server = socket.create_connection(("localhost", 11211))
replies = server.makefile("rb")

def stats():
    server.sendall(b"stats\r\n")
    lines = [line.split() for line in itertools.takewhile(b"END\r\n".__ne__, replies)]
    return {words[1]: int(words[2]) for words in lines if words[2].isdigit()}

def resident():
    size = subprocess.check_output(["ps", "-o", "rss=", "-p", str(before[b"pid"])])
    return 1024 * int(size)

before = stats()
start = resident()
for number in range(items):
    key = b"%026d" % (number % keys)
    server.sendall(b"delete %s noreply\r\nset %s 0 0 %d noreply\r\n" % (key, key, length))
    server.sendall(b"x" * length + b"\r\n")
counted = stats()[b"bytes"] - before[b"bytes"]
print(f"an item takes {(resident() - start) // items} bytes, stats says {counted // items}")
