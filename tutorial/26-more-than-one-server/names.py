"""Two programs with the same servers, and other names for them."""

from pymemcache.client.rendezvous import RendezvousHash

KEYS = ['user:%d' % number for number in range(1, 30_001)]


def owners(names):
    """For each key the server that HashClient would ask, by its place in the list."""
    asked = RendezvousHash(names)
    return [names.index(asked.get_node(key)) for key in KEYS]


by_number = owners(['127.0.0.1:%d' % port for port in [21211, 21212, 21213]])
by_name = owners(['localhost:%d' % port for port in [21211, 21212, 21213]])
print('they agree about', sum(one == other for one, other in zip(by_number, by_name)), 'keys')
