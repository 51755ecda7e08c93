"""A memcached along the article's steps: lines, data blocks and a dictionary, a thread for each client."""

import socketserver
import sys

store = {}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.peek():
            words = self.rfile.readline().split()
            if words == [b'quit']:
                return
            reply = self.reply(words)
            if words[-1:] != [b'noreply'] or words[0] == b'get':
                self.wfile.write(reply)

    def reply(self, words):
        match words:
            case [b'set', key, flags, _, length, *_] if length.isdigit():
                block = self.rfile.read(int(length) + 2)
                if len(block) > 1_048_578:
                    return b'SERVER_ERROR object too large for cache\r\n'
                store[key] = b'VALUE %b %b %b\r\n%b' % (key, flags, length, block)
                return b'STORED\r\n'
            case [b'get', _, *_]:
                return b''.join(store.get(key, b'') for key in words[1:]) + b'END\r\n'
        return b'ERROR\r\n'


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == '__main__':
    host, port = (sys.argv + ['127.0.0.1:9999'])[1].split(':')
    with Server((host, int(port)), Handler) as server:
        print('listening on %s:%d' % server.server_address, flush=True)
        server.serve_forever()
