"""A ring of servers. Each stands on it at many points; a key belongs to the next one after it."""

from bisect import bisect
from hashlib import md5

KEYS = ['user:%d' % number for number in range(1, 30_001)]
SERVERS = ['server1', 'server2', 'server3', 'server4']


def place(text):
    """A place on the ring, from 0 to 2**32 - 1."""
    return int.from_bytes(md5(text.encode()).digest()[:4], 'big')


def ring(servers, points):
    names = [(server, '%s-%d' % (server, point)) for server in servers for point in range(points)]
    return sorted((place(name), server) for server, name in names)


def owner(key, ring):
    following = bisect(ring, (place(key), ''))
    return ring[following % len(ring)][1]


if __name__ == '__main__':
    print('points  server1  server2  server3  | move  and to whom')
    for points in [1, 4, 10, 100, 1000]:
        three, four = ring(SERVERS[:3], points), ring(SERVERS, points)
        before = [owner(key, three) for key in KEYS]
        after = [owner(key, four) for key in KEYS]
        counts = [before.count(server) for server in SERVERS[:3]]
        moved = [new for old, new in zip(before, after) if old != new]
        print('%6d %8d %8d %8d  | %5d %s' % (points, *counts, len(moved), *set(moved)))
