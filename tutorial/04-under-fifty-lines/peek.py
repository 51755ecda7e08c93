"""What peek() shows, and what it does not: the client's second packet."""

import socket

client, server = socket.socketpair()
reader = server.makefile('rb')

client.sendall(b'get gree')
print('peek:    ', reader.peek())
client.sendall(b'ting\r\nget b\r\n')
print('peek:    ', reader.peek())
print('readline:', reader.readline())
print('peek:    ', reader.peek())
client.close()
print('readline:', reader.readline())
print('peek:    ', reader.peek())
