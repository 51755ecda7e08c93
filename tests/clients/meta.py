"""meta-memcache, a client that speaks nothing but the meta commands: from get and set to leases and stale values."""

from check import address, expect
from meta_memcache import CacheClient, Key, ServerAddress, connection_pool_factory_builder
from meta_memcache.configuration import LeasePolicy, RecachePolicy, StalePolicy
from meta_memcache.protocol import Miss, RequestFlags, SetMode, Success, Value

HOUR = 3600


def connect():
    """A client with a limit on every wait."""
    builder = connection_pool_factory_builder(connection_timeout=10, recv_timeout=10)
    return CacheClient.cache_client_from_servers([ServerAddress(*address())], builder)


client, other = connect(), connect()


def storing():
    value = {"list": [1, 2.5, None], "text": "Größe"}
    for kept in ("text", b"bytes\r\nEN\r\n\x00\xff", 12345, -7, True, value, bytes(range(256)) * 3000):
        expect("set", client.set("kept", kept, ttl=HOUR), True)
        expect("get", client.get("kept"), kept)
    expect("get of a key that is not there", client.get("no_such_key"), None)
    expect("set of a key in base64", client.set(Key("schlüssel 🍺"), "Größe", ttl=HOUR), True)
    expect("get of a key in base64", client.get(Key("schlüssel 🍺")), "Größe")
    expect("delete of a key in base64", client.delete(Key("schlüssel 🍺")), True)
    client.set("kept", "second", ttl=HOUR)
    expect("add of a key that is there", client.set("kept", "x", ttl=HOUR, set_mode=SetMode.ADD), False)
    expect("refill of a key that is there", client.refill("kept", "x", ttl=HOUR), False)
    expect("append", client.set("kept", ", third", ttl=HOUR, set_mode=SetMode.APPEND), True)
    expect("prepend", client.set("kept", "first, ", ttl=HOUR, set_mode=SetMode.PREPEND), True)
    expect("get after both", client.get("kept"), "first, second, third")
    expect("replace", client.set("kept", "new", ttl=HOUR, set_mode=SetMode.REPLACE), True)
    expect("touch", client.touch("kept", ttl=2 * HOUR), True)
    expect("get and touch", client.get("kept", touch_ttl=HOUR), "new")
    expect("delete", client.delete("kept"), True)
    expect("delete of a key that is gone", client.delete("kept"), False)
    expect("invalidate of a key that is gone", client.invalidate("kept"), True)
    expect("touch of a key that is gone", client.touch("kept", ttl=HOUR), False)
    expect("replace of a key that is gone", client.set("kept", "x", ttl=HOUR, set_mode=SetMode.REPLACE), False)
    expect("refill of a key that is gone", client.refill("kept", "x", ttl=HOUR), True)


def many():
    values = {f"many_{number}": f"value {number}" for number in range(300)}
    for key, value in values.items():
        expect("set, quiet", client.set(key, value, ttl=HOUR, no_reply=True), True)
    found = client.multi_get([*values, "no_such_key"])
    expect("multi_get", {key.key: value for key, value in found.items()}, {**values, "no_such_key": None})
    for key in values:
        expect("delete, quiet", client.delete(key, no_reply=True), True)
    expect("multi_get after delete", set(client.multi_get(values).values()), {None})


def check_and_set():
    unique = client.set_cas("unique", "first", ttl=HOUR)
    expect("get_cas, the value and the cas unique of the set", client.get_cas("unique"), ("first", unique))
    expect("set with a cas unique", client.set("unique", "second", ttl=HOUR, cas_token=unique), True)
    expect("set with a cas unique that is old", client.set("unique", "third", ttl=HOUR, cas_token=unique), False)
    expect("delete with a cas unique that is old", client.delete("unique", cas_token=unique), False)
    value, unique = client.get_cas("unique")
    expect("get_cas after that", value, "second")
    expect("delete with a cas unique", client.delete("unique", cas_token=unique), True)


def counting():
    client.delete("counter")
    expect("delta of a key that is not there", client.delta("counter", 1), False)
    expect("delta, and get, of a key that is not there", client.delta_and_get("counter", 1), None)
    expect("the initial value", client.delta_initialize_and_get("counter", 1, initial_value=10, initial_ttl=HOUR), 10)
    expect("the next value", client.delta_initialize_and_get("counter", 5, initial_value=10, initial_ttl=HOUR), 15)
    expect("delta", client.delta("counter", 85), True)
    expect("delta, quiet", client.delta("counter", 1, no_reply=True), True)
    expect("a delta below nothing", client.delta_and_get("counter", -2), 99)
    expect("delta below zero", client.delta_and_get("counter", -1000), 0)


def about_an_item():
    flags = RequestFlags(
        return_value=True, return_size=True, return_ttl=True, return_client_flag=True, return_key=True,
        return_fetched=True, return_last_access=True, return_cas_token=True, opaque=b"1234",
    )
    client.set("described", b"12345", ttl=HOUR)
    for fetched in (False, True):
        found = client.meta_get(Key("described"), flags=flags)
        expect("mg finds a value", type(found), Value)
        expect("the value", found.value, b"12345")
        expect("s, the size", found.flags.size, 5)
        expect("f, the client flags", found.flags.client_flag, 16)
        expect("h, hit before", found.flags.fetched, fetched)
        expect("O, opaque", found.flags.opaque, b"1234")
        expect(f"t, {found.flags.ttl} seconds left of {HOUR}", HOUR - 60 <= found.flags.ttl <= HOUR, True)
        expect(f"l, {found.flags.last_access} seconds since it was asked for", found.flags.last_access <= 60, True)
    expect("no value when none is asked for", type(client.meta_get(Key("described"), flags=RequestFlags())), Success)
    expect("a miss", type(client.meta_get(Key("no_such_key"), flags=flags)), Miss)


def stale_while_revalidate():
    """After a soft delete one client is told to fetch the value anew; until it has, all others live with the old one."""
    policy = StalePolicy(mark_stale_on_deletion_ttl=HOUR, mark_stale_on_cas_mismatch=True)
    unique = client.set_cas("stale", "old", ttl=HOUR)
    expect("delete that leaves a stale item", client.delete("stale", stale_policy=policy), True)
    value, winner = client.get_cas("stale")
    expect("get by the first to ask, who wins and sees a miss", value, None)
    expect("get by the second, who sees the stale value", other.get("stale"), "old")
    expect("get by a third", connect().get("stale"), "old")
    found = other.meta_get(Key("stale"), flags=RequestFlags(return_value=True))
    expect("X, the item is stale", found.flags.stale, True)
    expect("Z, someone else has won", found.flags.win, False)
    expect("the cas unique is not that of the old value", winner == unique, False)
    expect("set by the winner", client.set("stale", "new", ttl=HOUR, cas_token=winner, stale_policy=policy), True)
    expect("get by everyone", (client.get("stale"), other.get("stale")), ("new", "new"))
    found = other.meta_get(Key("stale"), flags=RequestFlags(return_value=True))
    expect("neither stale nor won any more", (found.flags.stale, found.flags.win), (False, None))

    client.delete("stale", stale_policy=policy)
    _, winner = client.get_cas("stale")
    client.delete("stale", stale_policy=policy)
    late = client.set("stale", "made of old data", ttl=HOUR, cas_token=winner, stale_policy=policy)
    expect("set by a winner who is late", late, True)
    found = other.meta_get(Key("stale"), flags=RequestFlags(return_value=True))
    expect("what came late is taken, but stale", (found.value, found.flags.stale), ("made of old data", True))
    expect("and somebody wins again", found.flags.win, True)


def recache():
    """Shortly before a value expires one client is told to fetch it anew."""
    policy = RecachePolicy(ttl=HOUR)
    client.set("recached", "old", ttl=HOUR // 2)
    expect("get by the first to ask, who wins and sees a miss", client.get("recached", recache_policy=policy), None)
    expect("get by the second", other.get("recached", recache_policy=policy), "old")
    client.set("recached", "new", ttl=2 * HOUR)
    expect("get with time to spare", client.get("recached", recache_policy=policy), "new")


def lease():
    """Of many who miss, one is asked to make the value, and the others wait for it."""
    policy = LeasePolicy(ttl=HOUR, miss_retries=3, miss_retry_wait=0)
    client.delete("leased")
    value, unique = client.get_or_lease_cas("leased", policy)
    expect("get by the first to ask, who takes the lease", value, None)
    waits = []

    def winner_comes_back(_seconds):
        waits.append(client.set("leased", "made", ttl=HOUR, cas_token=unique))

    value = other.get_or_lease("leased", policy, lease_wait_fn=winner_comes_back)
    expect("the second waits once, while the value is made", waits, [True])
    expect("get by the second", value, "made")
    expect("get without a lease", client.get("leased"), "made")

    client.delete("leased")
    client.get_or_lease("leased", policy)
    gave_up = []
    expect("get of a value that nobody makes", other.get_or_lease("leased", policy, lease_wait_fn=gave_up.append), None)
    expect("the times it was waited for", len(gave_up), 2)


storing()
many()
check_and_set()
counting()
about_an_item()
stale_while_revalidate()
recache()
lease()
