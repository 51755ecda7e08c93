from pymemcache.client.base import Client

client = Client(('localhost', 11211))
client.set('some_key', 'some value')
print(client.get('some_key'))
