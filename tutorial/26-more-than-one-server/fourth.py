"""30,000 keys are on three servers, a fourth comes. How many does a client of all four not find?"""

import sys

import pylibmc
from pymemcache.client.hash import HashClient

from servers import start

servers = start(4)
addresses = [server.address for server in servers]
names = ['%s:%d' % address for address in addresses]
clients = {
    'modulo': lambda count: pylibmc.Client(names[:count], behaviors={'distribution': 'modula'}),
    'ring': lambda count: pylibmc.Client(names[:count], behaviors={'ketama': True}),
    'rendezvous': lambda count: HashClient(addresses[:count], default_noreply=False),
}
client = clients[sys.argv[1]]
keys = ['user:%d' % number for number in range(1, 30_001)]
client(3).set_multi({key: b'x' for key in keys})
print('the servers keep', *(server.stat('curr_items') for server in servers))
found = client(4).get_multi(keys)
print('a client of all four does not find', len(keys) - len(found))
