"""pymemcache's everyday conversation, which a server of fifty lines can hold as well as memcached."""

from check import address, expect
from pymemcache.client.base import Client

client = Client(address(), connect_timeout=10, timeout=10)

expect("set, noreply as by default", client.set("some_key", "some value"), True)
expect("get", client.get("some_key"), b"some value")
expect("get of a key never set", client.get("no_such_key"), None)
expect("get with a default", client.get("no_such_key", default="nothing"), "nothing")

expect("set, with a reply", client.set("some_key", "another value", noreply=False), True)
expect("get after a second set", client.get("some_key"), b"another value")

binary = bytes(range(256)) + b"\r\nEND\r\nVALUE some_key 0 1\r\n"
expect("set of a binary value", client.set("binary", binary, noreply=False), True)
expect("get of a binary value", client.get("binary"), binary)
expect("set of an empty value", client.set("empty", b"", noreply=False), True)
expect("get of an empty value", client.get("empty"), b"")
expect("set with flags", client.set("flags", b"f", noreply=False, flags=4294967295), True)
expect("get of several keys, one unknown", client.get_many(["some_key", "no_such_key", "binary", "flags"]),
       {"some_key": b"another value", "binary": binary, "flags": b"f"})
expect("the flags as they were set", client.raw_command("get flags", b"END\r\n"), b"VALUE flags 4294967295 1\r\nf\r\n")
large = b"0123456789abcdef" * 50_000
expect("set of 800,000 bytes", client.set("large", large, noreply=False), True)
expect("get of 800,000 bytes", client.get("large"), large)

expect("delete, noreply as by default", client.delete("some_key"), True)
expect("get after a delete", client.get("some_key"), None)
expect("delete, with a reply", client.delete("binary", noreply=False), True)
expect("delete of a key that is gone", client.delete("binary", noreply=False), False)
expect("delete of a key that is gone, noreply", client.delete("binary", noreply=True), True)
expect("the conversation is still in step", client.get("large"), large)

for number in range(100):
    expect("one of 100 sets", client.set(f"key_{number}", str(number)), True)
other = Client(address(), connect_timeout=10, timeout=10)
expect("get on this connection", client.get("key_99"), b"99")
expect("get of 100 keys by a second client", other.get_many([f"key_{number}" for number in range(100)]),
       {f"key_{number}": str(number).encode() for number in range(100)})
client.quit()
client.close()
expect("get after another client said quit", other.get("key_0"), b"0")
other.close()
