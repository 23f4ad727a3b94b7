"""Where `facekey serve` listens."""

import socket

import pytest

from facekey.cli.serve import listen
from facekey.core.errors import SettingsInvalid


def test_answers_do_not_wait_for_the_clients_word_that_their_first_half_came() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SettingsInvalid, match=rf"FACEKEY_PORT: 127.0.0.1:{port} .*--port"):
            listen("127.0.0.1", port)
