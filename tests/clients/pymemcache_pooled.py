"""pymemcache's PooledClient: several threads that share one client, and one counter on the server."""

from concurrent.futures import ThreadPoolExecutor

from check import address, expect
from pymemcache.client.base import PooledClient

THREADS = 8
ROUNDS = 200

client = PooledClient(address(), connect_timeout=10, timeout=10)
client.set("counter", "0", noreply=False)


def rounds(thread):
    """A conversation whose answers would be mixed up if connections or items were."""
    for number in range(ROUNDS):
        key, value = f"thread_{thread}", f"{thread} {number}".encode() * 50
        expect("set by a thread", client.set(key, value, noreply=False), True)
        client.incr("counter", 1)
        expect("get by a thread", client.get(key), value)
        expect("get_many by a thread", client.get_many([key, f"none_{thread}"]), {key: value})
    return thread


with ThreadPoolExecutor(THREADS) as threads:
    expect("every thread came to its end", list(threads.map(rounds, range(THREADS))), list(range(THREADS)))
expect("a counter that all threads counted up", client.incr("counter", 0), THREADS * ROUNDS)
client.close()
