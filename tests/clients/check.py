"""What the client scripts share: the servers' addresses, and a comparison that ends the script with a clear message.

A script is called with the addresses of two servers, each HOST:PORT, and the process id of the first. Most need only the
first address. It ends with 0 when everything was as expected, with 1 and a line about the first thing that was not.
"""

import faulthandler
import sys

# A client that waits for ever is a failure too: after this many seconds the script says where it stood, and ends.
faulthandler.dump_traceback_later(60, exit=True)


def address(number=0):
    """The host and the port of a server, by its place on the command line."""
    host, port = sys.argv[1 + number].rsplit(":", 1)
    return host, int(port)


def process():
    """The process id of the first server."""
    return int(sys.argv[3])


def expect(what, got, expected):
    """Ends the script unless both are equal, and of the same type: 1 is not True here."""
    if got != expected or type(got) is not type(expected):
        sys.exit(f"{what}: expected {shortened(expected)}, got {shortened(got)}")


def expect_error(what, errors, call):
    """Ends the script unless the call raises one of these errors."""
    try:
        got = call()
    except errors:
        return
    sys.exit(f"{what}: expected an error, got {shortened(got)}")


def shortened(value):
    """A value as Python writes it, without the middle of a long one."""
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:150]} [.. {len(text)} characters ..] {text[-100:]}"
