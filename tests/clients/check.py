"""What the client scripts share: the servers' addresses, and a comparison that ends the script with a clear message.

A script is called with the addresses, each HOST:PORT, that it is to talk to. It ends with 0 when everything
was as expected, with 1 and one line about the first thing that was not.
"""

import faulthandler
import sys

# A client that waits for ever is a failure too: after this many seconds the script says where it stood, and ends.
faulthandler.dump_traceback_later(60, exit=True)


def address(number=0):
    """The host and the port of a server, by its place on the command line."""
    host, port = sys.argv[1 + number].rsplit(":", 1)
    return host, int(port)


def expect(what, got, expected):
    """Ends the script unless both are equal, and of the same type: 1 is not True here."""
    if got != expected or type(got) is not type(expected):
        sys.exit(f"{what}: expected {expected!r}, got {got!r}")


def expect_error(what, errors, call):
    """Ends the script unless the call raises one of these errors."""
    try:
        got = call()
    except errors:
        return
    sys.exit(f"{what}: expected an error, got {got!r}")
