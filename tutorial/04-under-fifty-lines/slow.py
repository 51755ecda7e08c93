"""A page that is slow to make. It asks the cache first, and tells the cache when it had to work."""

import time
from pymemcache.client.base import Client


def best_seller():
    sold = [0] * 997
    for sale in range(20_000_000):
        sold[(sale * sale + sale) % 9973 % 997] += 1
    return b'article number %d' % sold.index(max(sold))


start = time.perf_counter()
cache = Client(('localhost', 11211))
page = cache.get('best_seller')
if page is None:
    page = best_seller()
    cache.set('best_seller', page)
print('%s, after %.3f seconds' % (page.decode(), time.perf_counter() - start))
