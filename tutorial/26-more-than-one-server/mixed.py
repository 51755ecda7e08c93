"""20 clients, 2,000 mixed commands each, through a proxy: does it answer as a dictionary would?"""

import random
import sys
import threading

from pymemcache.client.base import Client

from servers import PROXY, start, start_proxy


class Cache(Client):
    def exchange(self, key, value):
        _, unique = self.gets(key)
        return unique is not None and self.cas(key, value, unique)


class Dictionary(dict):
    """What a cache is as long as nobody else uses one's keys."""

    def set(self, key, value):
        self[key] = value
        return True

    def add(self, key, value):
        return key not in self and self.set(key, value)

    def replace(self, key, value):
        return key in self and self.set(key, value)

    exchange = replace

    def append(self, key, value):
        return key in self and self.set(key, self[key] + value)

    def delete(self, key):
        return self.pop(key, None) is not None

    def touch(self, key):
        return key in self

    def incr(self, key, by):
        if key in self:
            self[key] = b'%d' % (int(self[key]) + by)
            return int(self[key])

    def get_many(self, keys):
        return {key: self[key] for key in keys if key in self}


right, wrong = [], []


def converse(number):
    chance, dictionary = random.Random(number), Dictionary()
    cache = Cache(PROXY, default_noreply=False)
    keys = ['person:%d:%d' % (number, key) for key in range(50)]
    for _ in range(2_000):
        key, value = chance.choice(keys), b'%d' % chance.randrange(1, 1000)
        command, *arguments = chance.choice([
            ('get', key), ('get_many', keys), ('set', key, value), ('add', key, value),
            ('replace', key, value), ('append', key, b'7'), ('exchange', key, value),
            ('delete', key), ('touch', key), ('incr', key, 5),
        ])
        expected = getattr(dictionary, command)(*arguments)
        got = getattr(cache, command)(*arguments)
        (right if got == expected else wrong).append((command, key, got))


start(3)
start_proxy(sys.argv[1])
clients = [threading.Thread(target=converse, args=[number]) for number in range(20)]
for client in clients:
    client.start()
for client in clients:
    client.join()
print(len(right), 'right answers,', len(wrong), 'wrong ones', *wrong[:3])
