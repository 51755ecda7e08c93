"""All values change while one of three servers is away. Who reads an old one afterwards?

`stale.py hang` and `stale.py kill` ask with pymemcache's HashClient,
`stale.py hang eject.yml` and the like through a proxy."""

import sys

from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

from servers import PROXY, start, start_proxy

KEYS = ['user:%d' % number for number in range(1, 31)]


def all_keys(command, *arguments):
    """What is answered for each key; an error is an answer too."""
    return [attempt(command, key, *arguments) for key in KEYS]


def attempt(command, *arguments):
    try:
        return getattr(cache, command)(*arguments)
    except Exception:
        return 'error'


def until_asked(server):
    """A client, or a proxy, takes its time until it tries again a server that was away."""
    asked = server.stat('cmd_get')
    while server.stat('cmd_get') == asked:
        all_keys('get')


what, *config = sys.argv[1:]
servers = start(3)
if config:
    start_proxy(config[0])
    cache = Client(PROXY, default_noreply=False)
else:
    addresses = [server.address for server in servers]
    options = dict(timeout=1, retry_attempts=0, dead_timeout=2, default_noreply=False)
    cache = HashClient(addresses, **options)

all_keys('set', b'old')
if what == 'hang':
    connections = servers[1].stat('curr_connections')
    servers[1].hang()
    told = all_keys('set', b'new')
    servers[1].go_on()
    while servers[1].stat('curr_connections') > connections:
        pass  # it works off what was sent to it meanwhile
    until_asked(servers[1])
else:
    servers[1].kill()
    all_keys('set', b'old')
    servers[1].start()
    until_asked(servers[1])
    told = all_keys('set', b'new')
    servers[1].kill()
    all_keys('get')

found = all_keys('get')
both = list(zip(told, found))
print('setting all to new: %2d stored, %2d errors' % (told.count(True), told.count('error')))
counts = [found.count(value) for value in (b'new', b'old', None, 'error')]
print('reading all:        %2d new, %2d old, %2d missing, %2d errors' % (*counts,))
print('stored as new, read as old:    %2d' % both.count((True, b'old')))
print('told of an error, read as new: %2d' % both.count(('error', b'new')))
