from pymemcache.client.base import Client

client = Client(('localhost', 11211))
client.set('best_seller', 'a book')
for key in ['best_seller'] * 9 + ['nothing']:
    client.get(key)
stats = client.stats()
hits, misses = stats[b'get_hits'], stats[b'get_misses']
print(f'hit ratio {hits / (hits + misses):.0%}, {stats[b"curr_items"]} items, version {stats[b"version"].decode()}')
