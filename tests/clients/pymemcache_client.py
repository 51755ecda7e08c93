"""pymemcache's Client: every classic command it has, with and without a reply."""

import re

from check import address, expect, expect_error
from pymemcache.client.base import Client
from pymemcache.exceptions import (
    MemcacheClientError,
    MemcacheIllegalInputError,
    MemcacheServerError,
    MemcacheUnknownCommandError,
)

client = Client(address(), connect_timeout=10, timeout=10)


def storing():
    for noreply in (False, True):
        expect("set", client.set("kept", "first", noreply=noreply), True)
        expect("add of a key that is there", client.add("kept", "second", noreply=noreply), noreply)
        expect("get after a refused add", client.get("kept"), b"first")
        expect("replace", client.replace("kept", "third", noreply=noreply), True)
        expect("get after replace", client.get("kept"), b"third")
        expect("append", client.append("kept", " and last", noreply=noreply), True)
        expect("prepend", client.prepend("kept", b"first, ", noreply=noreply), True)
        expect("get after append and prepend", client.get("kept"), b"first, third and last")
        expect("delete", client.delete("kept", noreply=noreply), True)
        expect("replace of a key that is not there", client.replace("kept", "x", noreply=noreply), noreply)
        expect("append to a key that is not there", client.append("kept", "x", noreply=noreply), noreply)
        expect("prepend to a key that is not there", client.prepend("kept", "x", noreply=noreply), noreply)
        expect("get after a delete", client.get("kept"), None)
        expect("add of a key that is not there", client.add("kept", "new", noreply=noreply), True)
        expect("get after add", client.get("kept"), b"new")

    many = {f"many_{number}": f"value {number}".encode() for number in range(300)}
    for noreply in (False, True):
        expect("set_many, the keys that failed", client.set_many(many, noreply=noreply), [])
        expect("get_many", client.get_many([*many, "no_such_key"]), many)
        expect("delete_many", client.delete_many(many, noreply=noreply), True)
        expect("get_many after delete_many", client.get_many(many), {})


def values():
    binary = bytes(range(256)) * 8 + b"\r\nEND\r\n"
    expect("set of a binary value", client.set("binary", binary, noreply=False), True)
    expect("get of a binary value", client.get("binary"), binary)
    largest = b"x" * (1024 * 1024 - 512)
    expect("set of nearly 1 MiB", client.set("large", largest, noreply=False), True)
    expect("get of nearly 1 MiB", client.get("large"), largest)
    expect_error("set of more than 1 MiB", MemcacheServerError,
                 lambda: client.set("large", b"x" * (1024 * 1024 + 1), noreply=False))
    expect("the old value after a set that was too large", client.get("large"), None)
    expect("set with a key of 250 bytes", client.set("k" * 250, b"long", noreply=False), True)
    expect("get with a key of 250 bytes", client.get("k" * 250), b"long")
    for key in ("two words", "new\nline", "k" * 251):
        expect_error("a key that the client itself refuses", MemcacheIllegalInputError, lambda: client.get(key))
    unicode = Client(address(), connect_timeout=10, timeout=10, allow_unicode_keys=True)
    expect("set with a key beyond ASCII", unicode.set("schlüssel", "Größe".encode(), noreply=False), True)
    expect("get with a key beyond ASCII", unicode.get("schlüssel"), "Größe".encode())


def check_and_set():
    expect("gets of a key that is not there", client.gets("unique"), (None, None))
    client.set("unique", "first", noreply=False)
    value, unique = client.gets("unique")
    expect("gets", value, b"first")
    expect("cas", client.cas("unique", "second", unique, noreply=False), True)
    expect("cas with a cas unique that is old", client.cas("unique", "third", unique, noreply=False), False)
    expect("cas of a key that is not there", client.cas("no_such_key", "x", unique, noreply=False), None)
    found = client.gets_many(["unique", "no_such_key"])
    expect("gets_many", {key: value for key, (value, _) in found.items()}, {"unique": b"second"})
    expect("cas, noreply", client.cas("unique", "fourth", found["unique"][1], noreply=True), True)
    expect("get after cas", client.get("unique"), b"fourth")


def counting():
    client.set("counter", "10", noreply=False)
    expect("incr", client.incr("counter", 5), 15)
    expect("decr", client.decr("counter", 6), 9)
    expect("get after decr from two digits to one", client.get("counter").rstrip(b" "), b"9")
    expect("decr below zero", client.decr("counter", 100), 0)
    expect("incr, noreply", client.incr("counter", 7, noreply=True), None)
    expect("decr, noreply", client.decr("counter", 3, noreply=True), None)
    expect("incr after both", client.incr("counter", 0), 4)
    client.set("counter", str(2**64 - 1), noreply=False)
    expect("incr beyond 64 bits", client.incr("counter", 2), 1)
    expect("incr of a key that is not there", client.incr("no_such_key", 1), None)
    expect("decr of a key that is not there", client.decr("no_such_key", 1), None)
    client.set("word", "ten", noreply=False)
    expect_error("incr of a word", MemcacheClientError, lambda: client.incr("word", 1))
    expect("the conversation is still in step", client.get("word"), b"ten")


def time():
    for noreply in (False, True):
        expect("set, already expired", client.set("brief", "x", expire=-1, noreply=noreply), True)
        expect("get of an expired item", client.get("brief"), None)
        expect("set for an hour", client.set("brief", "x", expire=3600, noreply=noreply), True)
        expect("touch", client.touch("brief", 7200, noreply=noreply), True)
        expect("get after touch", client.get("brief"), b"x")
        expect("touch, already expired", client.touch("brief", -1, noreply=noreply), True)
        expect("get after touch to the past", client.get("brief"), None)
        expect("touch of a key that is not there", client.touch("brief", 10, noreply=noreply), noreply)
    client.set("brief", "x", flags=7, noreply=False)
    expect("gat", client.raw_command("gat 3600 brief no_such_key", b"END\r\n"), b"VALUE brief 7 1\r\nx\r\n")
    expect("gat to the past", client.raw_command("gat -1 brief", b"END\r\n"), b"VALUE brief 7 1\r\nx\r\n")
    expect("get after gat to the past", client.get("brief"), None)
    for noreply in (False, True):
        client.set("flushed", "x", noreply=False)
        expect("flush_all", client.flush_all(noreply=noreply), True)
        expect("get after flush_all", client.get("flushed"), None)
        expect("flush_all in an hour", client.flush_all(delay=3600, noreply=noreply), True)
        client.set("flushed", "x", noreply=False)
        expect("get before the flush_all of an hour later", client.get("flushed"), b"x")


def about_the_server():
    version = client.version()
    expect(f"version {version!r} is three numbers", bool(re.match(rb"\d+\.\d+\.\d+", version)), True)
    before = client.stats()
    expect("stats, version", before[b"version"], version)
    client.set("counted", "x", noreply=False)
    client.get_many(["counted", "no_such_key"])
    after = client.stats()
    for name, more in ((b"cmd_set", 1), (b"cmd_get", 2), (b"get_hits", 1), (b"get_misses", 1)):
        expect(f"stats, {name!r} counts what was done", after[name] - before[name], more)
    for name in (b"pid", b"uptime", b"time", b"curr_connections", b"total_connections", b"threads", b"curr_items",
                 b"total_items", b"bytes", b"limit_maxbytes", b"evictions"):
        expect(f"stats, {name!r} is a number", type(after[name]), int)
    expect("stats settings, item_size_max", client.stats("settings")[b"item_size_max"], 1024 * 1024)
    expect("verbosity", client.raw_command("verbosity 0"), b"OK")
    expect_error("shutdown, which nobody enabled", MemcacheUnknownCommandError, client.shutdown)


storing()
values()
check_and_set()
counting()
time()
about_the_server()
