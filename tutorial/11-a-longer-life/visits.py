from pymemcache.client.base import Client

client = Client(('localhost', 11211), default_noreply=False)
print(client.add('visits', 0), client.add('visits', 0))
print(client.incr('visits', 2))
value, unique = client.gets('visits')
print(value, client.cas('visits', 10, unique), client.cas('visits', 11, unique))
print(client.touch('visits', 60), client.touch('nothing', 60))
print(client.flush_all(), client.get('visits'))
