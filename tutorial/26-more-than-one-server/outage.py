"""Four visitors, three servers, and one of these is killed (`kill`) or hangs (`hang`).

`outage.py hang` asks with pymemcache's HashClient, which waits as long as it takes;
`outage.py hang 2` waits for two seconds; `outage.py hang eject.yml` asks through a proxy."""

import random
import sys
import threading
import time

from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

from servers import PROXY, start, start_proxy

KEYS = ['user:%d' % number for number in range(1, 1_001)]


class Visitor(threading.Thread):
    """Wants one page after the other, and makes those that the cache has not."""

    def __init__(self, cache):
        super().__init__(daemon=True)
        self.cache = cache
        self.visits, self.errors, self.missed = 0, 0, set()
        self.last = time.monotonic()

    def run(self):
        while True:
            for key in random.sample(KEYS, len(KEYS)):
                try:
                    if self.cache.get(key) is None:
                        self.missed.add(key)
                        self.cache.set(key, 'a page')
                except Exception:
                    self.errors += 1
                self.visits, self.last = self.visits + 1, time.monotonic()


def wait_until(condition):
    while not condition():
        time.sleep(0.01)


def everybody_sees_all():
    seen = [visitor.visits for visitor in visitors]
    wait_until(lambda: all(now.visits > then + 2_000 for now, then in zip(visitors, seen)))


def everybody_waits():
    wait_until(lambda: all(time.monotonic() - visitor.last > 1 for visitor in visitors))
    print('for a second nobody has got a page')


def everybody_asks_it_again():
    asked = servers[1].stat('cmd_get')
    wait_until(lambda: servers[1].stat('cmd_get') > asked)
    wait_until(lambda: all(len(cache.hasher.nodes) == 3 for cache in caches if not proxy))
    everybody_sees_all()


def phase(title, happens, over):
    for visitor in visitors:
        visitor.missed, visitor.errors = set(), 0
    happens()
    over()
    missed = set().union(*(visitor.missed for visitor in visitors))
    counts = ['%3d' % len(missed & own) for own in owned]
    errors = [visitor.errors for visitor in visitors]
    print(title, 'missed of each server:', *counts, ' errors of each visitor:', *errors)


what, *how = sys.argv[1:]
servers = start(3)
addresses = [server.address for server in servers]
proxy = how and not how[0].isdigit()
if proxy:
    start_proxy(how[0])
    caches = [Client(PROXY, default_noreply=False) for _ in range(4)]
else:
    options = dict(timeout=int(how[0]) if how else None, retry_attempts=0, dead_timeout=5)
    caches = [HashClient(addresses, default_noreply=False, **options) for _ in range(4)]

for key in KEYS:
    caches[0].set(key, 'a page')
owned = [set(Client(address).get_many(KEYS)) for address in addresses]
print('         keys of each server: ', *('%3d' % len(own) for own in owned))
visitors = [Visitor(cache) for cache in caches]
for visitor in visitors:
    visitor.start()

phase('all run ', lambda: None, everybody_sees_all)
if what == 'kill':
    phase('killed  ', servers[1].kill, everybody_sees_all)
    phase('returned', servers[1].start, everybody_asks_it_again)
else:
    phase('hangs   ', servers[1].hang, everybody_sees_all if how else everybody_waits)
    phase('goes on ', servers[1].go_on, everybody_asks_it_again)
print('                   each keeps:', *('%3d' % server.stat('curr_items') for server in servers))
