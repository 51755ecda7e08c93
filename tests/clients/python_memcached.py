"""python-memcached, the `memcache` module: the oldest of Python's clients, with its pickles, integers and cas."""

import re

import memcache
from check import address, expect

HOST, PORT = address()

client = memcache.Client([f"{HOST}:{PORT}"], socket_timeout=10, cache_cas=True)


def storing():
    value = {"list": [1, 2.5, None], "text": "Größe", "bytes": bytes(range(256))}
    for kept in ("text", b"bytes\r\nEND\r\n\x00\xff", 12345678901234567890, -7, True, value, "x" * 500_000):
        expect("set", client.set("kept", kept), True)
        expect("get", client.get("kept"), kept)
    expect("set, compressed", client.set("kept", "x" * 500_000, min_compress_len=1000), True)
    expect("get of a compressed value", client.get("kept"), "x" * 500_000)
    expect("get of a key that is not there", client.get("no_such_key"), None)
    client.set("kept", "first")
    expect("add of a key that is there", client.add("kept", "x"), False)
    expect("replace", client.replace("kept", "second"), True)
    expect("append", client.append("kept", ", third"), True)
    expect("prepend", client.prepend("kept", "first, "), True)
    expect("get after them all", client.get("kept"), "first, second, third")
    expect("delete", client.delete("kept"), 1)
    expect("delete of a key that is gone", client.delete("kept"), 0)
    expect("get of a key that is gone", client.get("kept"), None)
    expect("replace of a key that is gone", client.replace("kept", "x"), False)
    expect("append to a key that is gone", client.append("kept", "x"), False)
    expect("add of a key that is gone", client.add("kept", "new"), True)


def silently():
    expect("set, noreply", client.set("silent", "first", noreply=True), True)
    expect("append, noreply", client.append("silent", ", second", noreply=True), True)
    expect("get after both", client.get("silent"), "first, second")
    expect("delete, noreply", client.delete("silent", noreply=True), 1)
    expect("get after delete, noreply", client.get("silent"), None)
    client.set("silent", "1")
    client.incr("silent", 10, noreply=True)
    client.decr("silent", 1, noreply=True)
    expect("get after incr and decr, noreply", client.get("silent"), "10")


def many():
    values = {f"many_{number}": f"value {number}" for number in range(300)}
    expect("set_multi, the keys that failed", client.set_multi(values), [])
    expect("get_multi", client.get_multi([*values, "no_such_key"]), values)
    prefixed = {"1": "one", "2": "two"}
    expect("set_multi with a prefix", client.set_multi(prefixed, key_prefix="prefix_"), [])
    expect("get_multi with a prefix", client.get_multi(prefixed, key_prefix="prefix_"), prefixed)
    expect("delete_multi", client.delete_multi(values), 1)
    expect("get_multi after delete_multi", client.get_multi(values), {})


def check_and_set():
    other = memcache.Client([f"{HOST}:{PORT}"], socket_timeout=10, cache_cas=True)
    client.set("unique", "first")
    expect("gets", client.gets("unique"), "first")
    expect("gets by another client", other.gets("unique"), "first")
    expect("cas", client.cas("unique", "second"), True)
    expect("cas by the other client, too late", other.cas("unique", "third"), False)
    expect("get after cas", client.get("unique"), "second")


def counting():
    client.set("counter", 10)
    expect("incr", client.incr("counter"), 11)
    expect("incr by 100", client.incr("counter", 100), 111)
    expect("decr", client.decr("counter", 12), 99)
    expect("decr below zero", client.decr("counter", 1000), 0)
    expect("incr of a key that is not there", client.incr("no_such_key"), None)


def time():
    client.set("brief", "x", time=3600)
    expect("touch", client.touch("brief", 7200), 1)
    expect("get after touch", client.get("brief"), "x")
    client.touch("brief", -1)
    expect("get after touch to the past", client.get("brief"), None)
    expect("set, already expired", client.set("brief", "x", time=-1), True)
    expect("get of an expired item", client.get("brief"), None)
    client.set("flushed", "x")
    client.flush_all()
    expect("get after flush_all", client.get("flushed"), None)


def about_the_server():
    [(name, numbers)] = client.get_stats()
    expect("stats, the server", name, f"{HOST}:{PORT} (1)")
    expect("stats, pid is a number", numbers["pid"].isdigit(), True)
    expect("stats, version", bool(re.match(r"\d+\.\d+\.\d+", numbers["version"])), True)
    [(_, settings)] = client.get_stats("settings")
    expect("stats settings, item_size_max", settings["item_size_max"], "1048576")
    expect("stats items, one server answers", len(client.get_stats("items")), 1)
    expect("stats slabs, one server answers", len(client.get_slab_stats()), 1)
    client.set("after", "all of that")
    expect("the conversation is still in step", client.get("after"), "all of that")
    client.quit_all()


storing()
silently()
many()
check_and_set()
counting()
time()
about_the_server()
