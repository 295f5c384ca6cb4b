"""What an emulator is started with: a listening socket as standard input, a lifeline as standard output, and its settings as JSON.

The socket is bound before the process exists, so no two stacks can want the same port.
"""

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Inherited:
    listener: socket.socket
    lifeline: int
    folder: Path
    settings: dict[str, object]

    @property
    def url(self) -> str:
        host, port = self.listener.getsockname()[:2]
        return f"http://{host}:{port}"

    def say_ready(self) -> None:
        """The starting process waits for this line."""
        os.write(self.lifeline, b"ready\n")


def take(arguments: list[str]) -> Inherited:
    """Moves both descriptors away from 0 and 1, so that no function process inherits them."""
    listener = socket.socket(fileno=os.dup(0))
    lifeline = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    folder, settings = arguments
    return Inherited(listener, lifeline, Path(folder), json.loads(settings))
