"""Servers, a proxy before them, and what may happen to a server: it is killed, or it hangs."""

import atexit
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time

from pymemcache.client.base import Client

PROGRAM = shlex.split(os.environ.get('SERVER', '../../target/release/mini-memcached'))
PROXY = ('127.0.0.1', 21210)


class Server:
    def __init__(self, port):
        self.address = ('127.0.0.1', port)
        self.start()
        atexit.register(self.kill)

    def start(self):
        self.process = run([*PROGRAM, '-l', '127.0.0.1', '-p', str(self.address[1])], self.address)
        if self.stat('pid') != self.process.pid:
            raise SystemExit('port %d belongs to another program' % self.address[1])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)  # until it has stopped

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def stat(self, name):
        client = Client(self.address)
        number = client.stats()[name.encode()]
        client.close()
        return int(number)


def start(count):
    return [Server(21211 + number) for number in range(count)]


def start_proxy(config):
    if config.endswith('.yml'):
        # Debian keeps nutcracker where only root looks for it. Without `-a` all the world may
        # see its statistics.
        found = shutil.which('nutcracker', path=os.environ['PATH'] + ':/usr/sbin') or 'nutcracker'
        command = [found, '-c', config, '-a', '127.0.0.1', '-s', '21219', '-o', os.devnull]
    else:
        options = 'proxy_config=routelib,proxy_arg=' + config
        command = ['memcached', '-u', 'root', '-l', '127.0.0.1', '-p', str(PROXY[1]), '-o', options]
    process = run(command, PROXY)
    atexit.register(process.kill)


def run(command, address):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            socket.create_connection(address).close()
            return process
        except OSError:
            time.sleep(0.01)
    raise SystemExit('%s has ended' % command[0])
