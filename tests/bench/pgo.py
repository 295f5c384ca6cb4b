#!/usr/bin/env python3
"""Builds api-runtime with profile-guided optimization: the compiler is told what a request runs through, and what nothing runs through.

  pgo.py [--output target/pgo/api-runtime] [--requests 100000]
  pgo.py --train BINARY [--requests 1000]

A release build with counters, training, a release build with what was counted, which must answer as well before it is handed over: twice
the time of `cargo build --release`. On x86_64 the linker is also told to put what a start runs through side by side, and to pack
relocations, so that less of the binary is in memory. Training is a start, then HTTP/1.1 and HTTP/2, new and kept connections, bodies,
denials, with an upstream and without; every answer is checked. --train does that alone, with any api-runtime.

For the machine it runs on: no cross-compiling, and a glibc no older than this one's where the binary is to run.
Needs `rustup component add llvm-tools`, Python 3.9, openssl.
"""
import argparse, glob, hashlib, multiprocessing as mp, os, re, shutil, signal, socket, subprocess, sys, tempfile, time
from compare import connect, end, free_port, read_answer, receive, serve_upstream
from peers import Files, IDENTITY
from soak_callers import frame

POLICY = f'''version: 1
trustDomain: example.test
endpoints: {{ unlisted: reject, consumers: [] }}
callers:
  - identity: {IDENTITY}
    permit: [{{ methods: [GET, POST], paths: ["/v1/orders", "/v1/orders/{{id}}"] }}]
    forbid: [{{ paths: ["/v1/orders/secret"] }}]
'''
CONFIG = '''listen: 127.0.0.1:{port}
adminListen: 127.0.0.1:0
tls: {{ certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt, crls: [crl.pem] }}
identity: {{ trustDomain: example.test }}
policy: {{ source: "file:access.yaml" }}
denyList: {{ source: "file:deny.yaml" }}
limits: {{ drain: 0s }}
telemetry: {{ accessLog: access.log, emf: stdout }}
{upstream}
'''
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONNECTIONS = 32
STREAMS = 8
# Path, whether it is permitted, and a body.
ASKED = [('/v1/orders/1', True, b'')] * 40 + [('/v1/orders', True, b'y' * 2000), ('/v1/orders/secret', False, b'')]
# `/v1/orders/1`, Huffman coded (RFC 7541, appendix B).
PATH = bytes.fromhex('63b8583d9216c4301f')
# Stands in the dynamic table from a connection's first request on.
FIRST = b'\x82\x87\x41\x09localhost\x04' + bytes([0x80 | len(PATH)]) + PATH
LATER = b'\x82\x87\xbe\x04' + bytes([0x80 | len(PATH)]) + PATH
HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE, DATA = 1, 3, 4, 7, 8, 0


def run(*command, **more):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


class Http1:
    def __init__(self, stream):
        self.stream, self.number = stream, 0

    def ask(self):
        path, self.permitted, body = ASKED[self.number % len(ASKED)]
        self.number += 1
        length = f'content-length: {len(body)}\r\n' if body else ''
        self.stream.sendall(f'{"POST" if body else "GET"} {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n{length}\r\n'.encode() + body)

    def answered(self):
        read_answer(self.stream, 200 if self.permitted else 403)
        return 1


class Http2:
    def __init__(self, stream):
        self.stream, self.next, self.held, self.block = stream, 1, b'', FIRST
        stream.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(SETTINGS, 0, 0, b'') + frame(WINDOW_UPDATE, 0, 0, b'\x7f\0\0\0'))

    def ask(self):
        asked = b''
        for _ in range(STREAMS):
            asked += frame(HEADERS, 5, self.next, self.block)
            self.next, self.block = self.next + 2, LATER
        self.stream.sendall(asked)

    def answered(self):
        open_streams = STREAMS
        while open_streams:
            at, self.held = 0, self.held + receive(self.stream)
            while (end := at + 9 + int.from_bytes(self.held[at:at + 3], 'big')) <= len(self.held) and at + 9 <= len(self.held):
                kind, flags = self.held[at + 3:at + 5]
                if kind in (RST_STREAM, GOAWAY) or kind == HEADERS and self.held[at + 9] != 0x88:
                    raise RuntimeError(f'frame {kind} {self.held[at:end]!r} instead of a 200')
                if kind == SETTINGS and not flags & 1:
                    self.stream.sendall(frame(SETTINGS, 1, 0, b''))
                open_streams -= kind in (HEADERS, DATA) and flags & 1
                at = end
            self.held = self.held[at:]
        return STREAMS


def load(protocol, new, requests):
    """Requests on kept connections."""
    connections, served = [protocol(new()) for _ in range(CONNECTIONS)], 0
    while served < requests:
        for connection in connections:
            connection.ask()
        served += sum(connection.answered() for connection in connections)
    return served


def handshakes(new, requests):
    for _ in range(requests):
        connection = Http1(new())
        connection.ask()
        connection.answered()
        connection.stream.close()
    return requests


def start(binary, work, port, upstream, profile):
    with open(os.path.join(work, 'runtime.yaml'), 'w') as file:
        file.write(CONFIG.format(port=port, upstream=f'upstream: http://127.0.0.1:{upstream}' if upstream else ''))
    errors = os.path.join(work, 'runtime.err')
    environment = {**os.environ, 'LLVM_PROFILE_FILE': profile}
    runtime = subprocess.Popen([binary, '--config', file.name], stdout=subprocess.DEVNULL, stderr=open(errors, 'w'), env=environment)
    for _ in range(300):
        if runtime.poll() is not None:
            break
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return runtime
        except OSError:
            time.sleep(0.1)
    runtime.kill()
    sys.exit('training: api-runtime does not listen: ' + open(errors).read()[-800:])


def exercise(work, port, requests):
    return {'HTTP/1.1': load(Http1, connect(work, port), requests), 'HTTP/2': load(Http2, connect(work, port, ['h2']), requests),
            'handshakes': handshakes(connect(work, port), requests // 20)}


def train(binary, requests, counted=None):
    """Three lives of the runtime: one that nobody asks anything, one that answers by itself, one that forwards. Its counters go to `counted`."""
    with tempfile.TemporaryDirectory() as work:
        files, upstream = Files(work), free_port()
        files.write('access.yaml', POLICY)
        files.write('deny.yaml', 'entries: [{ serialNumber: "0a1b2c", reason: KEY_COMPROMISE }]\n')
        answering = mp.Process(target=serve_upstream, args=(upstream,), daemon=True)
        answering.start()
        for life, at, asked in (('start', None, 0), ('answer', None, requests), ('forward', upstream, requests)):
            port = free_port()
            runtime = start(binary, work, port, at, os.path.join(counted or work, f'{life}.profraw'))
            try:
                served = exercise(work, port, asked) if asked else {}
            except (OSError, RuntimeError) as error:
                sys.exit(f'training: {error}')
            finally:
                runtime.send_signal(signal.SIGTERM)
                end(runtime, 60)
            # Counters are written at the end of a process that ends in order.
            if runtime.returncode != 0:
                sys.exit(f'training: api-runtime ended with {runtime.returncode}')
            print(f'{life}: ' + (', '.join(f'{number:,} {what}' for what, number in served.items()) or 'and end'), file=sys.stderr)
        answering.kill()


def host():
    return re.search(r'host: (.*)', run('rustc', '-vV'))[1]


def profdata():
    found = os.path.join(run('rustc', '--print', 'sysroot').strip(), 'lib/rustlib', host(), 'bin/llvm-profdata')
    return found if os.path.exists(found) else sys.exit('llvm-profdata is missing: rustup component add llvm-tools')


def build(target, flags):
    """With --target, so that build scripts and macros are built as always."""
    environment = {**os.environ, 'CARGO_ENCODED_RUSTFLAGS': '\x1f'.join([*os.environ.get('RUSTFLAGS', '').split(), *flags])}
    subprocess.run(['cargo', 'build', '--release', '--locked', '--package', 'api-runtime', '--bin', 'api-runtime', '--target', host(), '--target-dir', target],
                   check=True, cwd=SOURCE, env=environment)
    return os.path.join(target, host(), 'release/api-runtime')


def executed(tool, profile):
    """The functions that ran and how often their busiest piece did, of what `llvm-profdata show` prints."""
    shown = run(tool, 'show', '--all-functions', '--counts', profile)
    functions = re.findall(r'^  (?:[^\n;]*;)?(\S+):\n(?:    .*\n)*?    Block counts: \[(.+)\]$', shown, re.MULTILINE)
    counts = {name: max(map(int, counts.split(', '))) for name, counts in functions}
    return {name: count for name, count in counts.items() if count}


def link_arguments(order):
    """Of LLD, with which rustc links on x86_64 Linux; glibc reads packed relocations since 2.36."""
    if host() != 'x86_64-unknown-linux-gnu':
        return []
    glibc = tuple(map(int, os.confstr('CS_GNU_LIBC_VERSION').split()[1].split('.')))
    packed = ['-Clink-arg=-Wl,-z,pack-relative-relocs'] if glibc >= (2, 36) else []
    return [f'-Clink-arg=-Wl,--symbol-ordering-file={order},--no-warn-symbol-ordering', *packed]


def optimize(output, requests):
    tool, work = profdata(), os.path.join(os.path.abspath(os.environ.get('CARGO_TARGET_DIR', os.path.join(SOURCE, 'target'))), 'pgo')
    counted = os.path.join(work, 'counted')
    shutil.rmtree(counted, ignore_errors=True)
    os.makedirs(counted)
    train(build(os.path.join(work, 'instrumented'), [f'-Cprofile-generate={counted}']), requests, counted)
    merged, started = os.path.join(counted, 'all.profdata'), os.path.join(counted, 'start.profdata')
    run(tool, 'merge', '--output', merged, *glob.glob(os.path.join(counted, '*.profraw')))
    run(tool, 'merge', '--output', started, os.path.join(counted, 'start.profraw'))
    # cargo does not look into files that a flag names, but builds anew when the flag differs. What it built before is of no use then.
    shutil.rmtree(os.path.join(work, 'optimized'), ignore_errors=True)
    digest = hashlib.sha256(open(merged, 'rb').read()).hexdigest()[:16]
    profile, order = (os.path.join(counted, f'{digest}.{kind}') for kind in ('profdata', 'order'))
    os.rename(merged, profile)
    counts, first = executed(tool, profile), executed(tool, started)
    # What a start runs through, then what only requests do; the busiest of both meet in the middle.
    ordered = sorted(counts, key=lambda name: (name not in first, counts[name] if name in first else -counts[name]))
    with open(order, 'w') as file:
        file.write('\n'.join(ordered) + '\n')
    built = build(os.path.join(work, 'optimized'), [f'-Cprofile-use={profile}', *link_arguments(order)])
    train(built, min(requests, 1000))
    output = output or os.path.join(work, 'api-runtime')
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    shutil.copy(built, output)
    print(output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--output', help='where the binary goes: target/pgo/api-runtime')
    parser.add_argument('--train', metavar='BINARY', help='train only, with this api-runtime')
    parser.add_argument('--requests', type=int, default=100_000, help='of each kind; handshakes a twentieth')
    arguments = parser.parse_args()
    if arguments.train:
        return train(os.path.abspath(arguments.train), arguments.requests)
    optimize(arguments.output, arguments.requests)


if __name__ == '__main__':
    main()
