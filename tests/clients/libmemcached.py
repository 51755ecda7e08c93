"""pylibmc: libmemcached, the C library that most languages' clients are built on, in its text protocol."""

import re
from concurrent.futures import ThreadPoolExecutor

import pylibmc
from check import address, expect, expect_error

HOST, PORT = address()


def connect(**behaviors):
    """A client with a limit on every wait, and more behaviors if wanted."""
    limits = {"connect_timeout": 10_000, "receive_timeout": 10_000_000, "send_timeout": 10_000_000}
    return pylibmc.Client([f"{HOST}:{PORT}"], binary=False, behaviors={"cas": True, **limits, **behaviors})


client = connect()


def storing(client):
    value = {"list": [1, 2.5, None], "text": "Größe", "bytes": bytes(range(256))}
    for kept in ("text", b"bytes\r\nEND\r\n\x00\xff", "", b"", 12345, -7, value, b"x" * 500_000):
        expect("set", client.set("kept", kept), True)
        expect("get", client.get("kept"), kept)
    expect("set, compressed", client.set("kept", "x" * 500_000, min_compress_len=1000), True)
    expect("get of a compressed value", client.get("kept"), "x" * 500_000)
    expect("get of a key that is not there", client.get("no_such_key"), None)
    expect("set with a key of 250 bytes", client.set("k" * 250, "long"), True)
    expect("get with a key of 250 bytes", client.get("k" * 250), "long")
    expect("replace", client.replace("kept", b"second"), True)
    expect("append", client.append("kept", b", third"), True)
    expect("prepend", client.prepend("kept", b"first, "), True)
    expect("get after them all", client.get("kept"), b"first, second, third")
    expect("delete", client.delete("kept"), True)
    expect("get of a key that is gone", client.get("kept"), None)
    expect("add of a key that is gone", client.add("kept", "new"), True)
    expect("get after add", client.get("kept"), "new")


def refusals():
    client.set("there", "x")
    client.delete("gone")
    expect("add of a key that is there", client.add("there", "y"), False)
    expect("delete of a key that is gone", client.delete("gone"), False)
    expect("replace of a key that is gone", client.replace("gone", "y"), False)
    expect("append to a key that is gone", client.append("gone", "y"), False)
    expect_error("set of more than 1 MiB", pylibmc.TooBig, lambda: client.set("large", b"x" * (1024 * 1024 + 1)))
    expect("the conversation is still in step", client.get("there"), "x")


def many():
    values = {f"many_{number}": f"value {number}" for number in range(300)}
    expect("set_multi, the keys that failed", client.set_multi(values), [])
    expect("get_multi", client.get_multi([*values, "no_such_key"]), values)
    prefixed = {"1": "one", "2": "two"}
    expect("set_multi with a prefix", client.set_multi(prefixed, key_prefix="prefix_"), [])
    expect("get_multi with a prefix", client.get_multi(list(prefixed), key_prefix="prefix_"), prefixed)
    expect("delete_multi", client.delete_multi(list(values)), True)
    expect("delete_multi of keys that are gone", client.delete_multi(list(values)), False)
    expect("get_multi after delete_multi", client.get_multi(list(values)), {})


def check_and_set():
    expect("gets of a key that is not there", client.gets("no_such_key"), (None, None))
    client.set("unique", "first")
    value, unique = client.gets("unique")
    expect("gets", value, "first")
    expect("cas", client.cas("unique", "second", unique), True)
    expect("cas with a cas unique that is old", client.cas("unique", "third", unique), False)
    expect("get after cas", client.get("unique"), "second")


def counting():
    client.set("counter", 10)
    expect("incr", client.incr("counter"), 11)
    expect("incr by 100", client.incr("counter", 100), 111)
    expect("decr", client.decr("counter", 12), 99)
    expect("decr below zero", client.decr("counter", 1000), 0)
    client.set("counter", 2**40)
    expect("incr beyond 32 bits", client.incr("counter"), 2**40 + 1)
    expect_error("incr of a key that is not there", pylibmc.NotFound, lambda: client.incr("no_such_key"))


def time():
    expect("set for an hour", client.set("brief", "x", time=3600), True)
    expect("touch", client.touch("brief", 7200), True)
    expect("get after touch", client.get("brief"), "x")
    expect("touch of a key that is not there", client.touch("no_such_key", 7200), False)
    client.set("flushed", "x")
    expect("flush_all", client.flush_all(), True)
    expect("get after flush_all", client.get("flushed"), None)


def about_the_server():
    [(_, numbers)] = client.get_stats()
    version = numbers["version"]
    expect(f"version {version!r} is three numbers", bool(re.match(rb"\d+\.\d+\.\d+", version)), True)
    expect("stats, pid is a number", numbers["pid"].isdigit(), True)


def threads():
    """Each thread has a connection of its own from a pool, and none may see another's answers."""
    pool = pylibmc.ClientPool(client, 4)

    def rounds(thread):
        for number in range(200):
            with pool.reserve(block=True) as mine:
                mine.set(f"thread_{thread}", number)
                expect("get by a thread", mine.get(f"thread_{thread}"), number)
        return thread

    with ThreadPoolExecutor(4) as executor:
        expect("every thread came to its end", list(executor.map(rounds, range(4))), [0, 1, 2, 3])


storing(client)
storing(connect(tcp_nodelay=True, verify_keys=True, no_block=True))
refusals()
many()
check_and_set()
counting()
time()
about_the_server()
threads()
client.disconnect_all()
