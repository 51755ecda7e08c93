"""A server that hangs, and two clients who do not notice."""

from pymemcache.client.base import Client

from servers import start

[server] = start(1)
server.hang()
print('a set says', Client(server.address).set('k', 'value'))
print('a get says', Client(server.address, timeout=1, ignore_exc=True).get('k'))
