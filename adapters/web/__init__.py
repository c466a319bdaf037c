"""The playground: phones side by side in a browser page on this machine, to play the whole story
by hand. There is no password; it listens on loopback alone."""

from adapters.web.server import Web

__all__ = ["Web"]
