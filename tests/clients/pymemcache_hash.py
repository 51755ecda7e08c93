"""pymemcache's HashClient over two servers: each has its share of the keys, and when one goes away the other takes all."""

import os
import signal
import socket

from check import address, expect, process
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

KEYS = {f"key_{number}": str(number).encode() for number in range(200)}

client = HashClient(
    [address(0), address(1)],
    connect_timeout=10, timeout=10, ignore_exc=True, retry_attempts=0, dead_timeout=3600,
)
expect("set_many over both, the keys that failed", client.set_many(KEYS, noreply=False), [])
expect("get_many over both", client.get_many(KEYS), KEYS)
expect("delete", client.delete("key_0", noreply=False), True)
expect("get after delete", client.get("key_0"), None)
expect("set", client.set("key_0", KEYS["key_0"], noreply=False), True)

first, second = (Client(address(number), connect_timeout=10, timeout=10).get_many(KEYS) for number in (0, 1))
expect("the first server has a share", len(first) > 0, True)
expect("the second server has a share", len(second) > 0, True)
expect("no key is on both", first.keys() & second.keys(), set())
expect("no key is lost", {**first, **second}, KEYS)

os.kill(process(), signal.SIGKILL)
while True:
    try:
        socket.create_connection(address(0), timeout=10).close()
    except ConnectionRefusedError:
        break
    except ConnectionResetError:
        pass  # it was just going

for key in first:
    client.get(key)  # finds the first server gone, and strikes it off
expect("what the server that is left still has", client.get_many(second), second)
expect("set_many with one left, the keys that failed", client.set_many(KEYS, noreply=False), [])
expect("get_many with one left", client.get_many(KEYS), KEYS)
