"""So many keys on three servers: `spread.py 30000`. With `eject.yml` behind it, through a proxy."""

import sys

from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

from servers import PROXY, start, start_proxy

servers = start(3)
if sys.argv[2:]:
    start_proxy(sys.argv[2])
    client = Client(PROXY)
else:
    client = HashClient([server.address for server in servers])
keys = ['user:%d' % number for number in range(1, int(sys.argv[1]) + 1)]
failed = []
for first in range(0, len(keys), 100):
    failed += client.set_many({key: 'x' for key in keys[first:first + 100]}, noreply=False)
print(len(failed), 'keys were not stored')
for server in servers:
    print('port %d keeps %5d keys' % (server.address[1], server.stat('curr_items')))
