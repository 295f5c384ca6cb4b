"""moto with endpoint connections across accounts and a Private CA that behaves.

usage: python -m local_stack.serve_moto FOLDER SETTINGS   (see inherited.py)
"""

import sys

from local_stack import inherited, watchdog


def main() -> None:
    given = inherited.take(sys.argv[1:])
    watchdog.guard(given.lifeline, given.folder)
    serve(given)


def serve(given: inherited.Inherited) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from local_stack import organizations, private_ca, privatelink
    from local_stack.front import Front
    from local_stack.peer import Peer
    from local_stack.settings import Settings

    settings = Settings(**given.settings)  # type: ignore[arg-type]
    peer = Peer(settings)
    privatelink.install(settings, peer)
    private_ca.install(settings, peer)
    organizations.install()
    emulator = DomainDispatcherApplication(create_backend_app)
    host, port = given.listener.getsockname()[:2]
    server = make_server(
        host, port, Front(emulator, settings), threaded=True, request_handler=MotoRequestHandler, fd=given.listener.fileno()
    )
    given.say_ready()
    server.serve_forever()


if __name__ == "__main__":
    main()
