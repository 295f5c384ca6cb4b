#!/usr/bin/env python3
"""Compare api-runtime with whichever of nginx, HAProxy and Envoy is installed, on your machine.

  compare.py --binary PATH [--phases ka,hs,hs100k,proxy,idle] [--rounds 5] [--seconds 2]

All terminate mTLS 1.3, check a CRL, authorize by method, path and identity, and write an access log in JSON. Each server is pinned
to one CPU, the load to the others; short samples alternate between the servers, and the median of the rounds is shown. The figure is
the server's CPU time for one request (KiB of memory for one connection in `idle`), so that it does not matter how fast the load is.
  ka      HTTP/1.1, kept-alive connections          hs      a full handshake and one request
  proxy   the same, forwarded to an upstream        hs100k  the same, with a CRL of 100,000 entries
  idle    2,000 connections after one request

With --telemetry it compares api-runtime with itself: nothing shown, and everything (access log, embedded metrics, metrics and spans
to a collector, sampled as by default).
Needs Python 3.9 and openssl, and at least two CPUs.
"""
import argparse, functools, multiprocessing as mp, os, resource, shutil, signal, socket, ssl, statistics, subprocess, sys, tempfile, time
from peers import Files, envoy, haproxy, linkward, nginx

REQUEST = b'GET /v1/orders/1 HTTP/1.1\r\nhost: localhost\r\n\r\n'
CONNECTIONS = 64
IDLE = 2000


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, name, command, port, files):
        self.port = port
        out = open(files.path(name + '.out'), 'w')
        self.process = subprocess.Popen(command, stdout=out, stderr=out, preexec_fn=lambda: os.sched_setaffinity(0, {min(CPUS)}))
        for _ in range(1500):
            if self.process.poll() is not None:
                sys.exit(f'{name} ended: ' + open(files.path(name + '.out')).read()[-800:])
            try:
                return socket.create_connection(('127.0.0.1', port), 0.2).close()
            except OSError:
                time.sleep(0.02)
        sys.exit(f'{name} does not listen')

    def pids(self):
        children = open(f'/proc/{self.process.pid}/task/{self.process.pid}/children').read().split()
        return [self.process.pid, *map(int, children)]

    def cpu(self):
        return sum(sum(map(int, open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[11:13])) for pid in self.pids()) / os.sysconf('SC_CLK_TCK')

    def memory(self):
        lines = (line for pid in self.pids() for line in open(f'/proc/{pid}/status'))
        return sum(int(line.split()[1]) for line in lines if line.startswith('VmRSS'))


def connect(work, port, protocols=()):
    context = ssl.create_default_context(cafile=os.path.join(work, 'ca.crt'))
    context.load_cert_chain(os.path.join(work, 'client.crt'), os.path.join(work, 'client.key'))
    context.set_alpn_protocols(list(protocols))

    def new():
        stream = socket.create_connection(('127.0.0.1', port), 60)
        # Or a first request waits until the server acknowledges the handshake's last flight.
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(stream, server_hostname='localhost')
    return new


def receive(stream):
    piece = stream.recv(65536)
    if not piece:
        raise ConnectionError('the server closed a connection')
    return piece


def read_answer(stream, status=200):
    answer = b''
    while b'\r\n\r\n' not in answer:
        answer += receive(stream)
    head, _, body = answer.partition(b'\r\n\r\n')
    if not head.startswith(f'HTTP/1.1 {status}'.encode()):
        raise RuntimeError(head.decode())
    lengths = [line for line in head.lower().split(b'\r\n') if line.startswith(b'content-length:')]
    missing = int(lengths[0].split(b':')[1]) - len(body)
    while missing > 0:
        missing -= len(receive(stream))


def load(work, port, handshakes, seconds, count, start, done):
    os.sched_setaffinity(0, CPUS - {min(CPUS)} or CPUS)
    new, served = connect(work, port), 0
    open_streams = [] if handshakes else [new() for _ in range(count)]
    start.wait()
    until = time.time() + seconds
    while not served or time.time() < until:
        streams = [new()] if handshakes else open_streams
        for stream in streams:
            stream.sendall(REQUEST)
        for stream in streams:
            read_answer(stream)
            served += 1
        if handshakes:
            streams[0].close()
    done.put(served)


def sample(server, work, phase, seconds):
    """Microseconds of the server's CPU for one request."""
    done, processes = mp.Queue(), max(1, min(4, len(CPUS) - 1))
    start = mp.Barrier(processes + 1)
    arguments = (work, server.port, phase.startswith('hs'), seconds, CONNECTIONS // processes, start, done)
    workers = [mp.Process(target=load, args=arguments, daemon=True) for _ in range(processes)]
    [worker.start() for worker in workers]
    start.wait(60)
    before = server.cpu()
    served = sum(done.get(timeout=seconds + 60) for _ in workers)
    [worker.join() for worker in workers]
    return (server.cpu() - before) / served * 1e6


def idle(server, work):
    """KiB of the server's memory for one connection."""
    before, new, streams = server.memory(), connect(work, server.port), []
    for _ in range(IDLE):
        streams.append(new())
        streams[-1].sendall(REQUEST)
        read_answer(streams[-1])
    time.sleep(2)
    return (server.memory() - before) / IDLE


def serve_upstream(port):
    import asyncio
    answer = b'HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n' + b'x' * 1024

    async def serve(reader, writer):
        try:
            while True:
                await reader.readuntil(b'\r\n\r\n')
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def forever():
        async with await asyncio.start_server(serve, '127.0.0.1', port, backlog=1024) as server:
            await server.serve_forever()

    os.sched_setaffinity(0, CPUS - {min(CPUS)} or CPUS)
    asyncio.run(forever())


def serve_collector(port):
    """Takes what it is sent, beside the load."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Collector(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def do_POST(self):
            self.rfile.read(int(self.headers['content-length']))
            self.send_response(200)
            self.send_header('content-length', '0')
            self.end_headers()

        def log_message(self, *_):
            pass

    os.sched_setaffinity(0, CPUS - {min(CPUS)} or CPUS)
    ThreadingHTTPServer(('127.0.0.1', port), Collector).serve_forever()


def with_telemetry(binary):
    collector = free_port()
    mp.Process(target=serve_collector, args=(collector,), daemon=True).start()
    shown = {'off': 'accessLog: off', 'on': f'accessLog: on.log, emf: stdout, otlpEndpoint: "http://127.0.0.1:{collector}", metricsInterval: 10s'}
    return {f'telemetry {name}': (binary, functools.partial(linkward, name=name, telemetry=telemetry)) for name, telemetry in shown.items()}


def measure(phase, found, files, arguments, upstream):
    crl = 'crl100k' if phase == 'hs100k' else 'crl'
    servers = {}
    try:
        for name, (binary, command) in found.items():
            port = free_port()
            servers[name] = Server(name, command(files, binary, port, crl, upstream if phase == 'proxy' else None), port, files)
        if phase == 'idle':
            return {name: idle(server, files.work) for name, server in servers.items()}
        rounds = [{name: sample(server, files.work, phase, arguments.seconds) for name, server in servers.items()} for _ in range(arguments.rounds)]
        return {name: statistics.median(one[name] for one in rounds) for name in servers}
    finally:
        for server in servers.values():
            server.process.send_signal(signal.SIGINT)
        for server in servers.values():
            end(server.process)


def end(process, patience=10):
    """Waits for one that was told to end."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', required=True, help='api-runtime, built with --release')
    parser.add_argument('--phases', default='ka,hs,hs100k,proxy,idle')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=2)
    parser.add_argument('--telemetry', action='store_true', help='api-runtime with and without telemetry, instead of its peers')
    arguments = parser.parse_args()
    if len(CPUS) < 2:
        sys.exit('it takes two CPUs: one for the server, one for the load')
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found = {'linkward': (os.path.abspath(arguments.binary), linkward)}
    if arguments.telemetry:
        found = with_telemetry(os.path.abspath(arguments.binary))
    for name, command in (('nginx', nginx), ('haproxy', haproxy), ('envoy', envoy)) if not arguments.telemetry else ():
        if binary := shutil.which(name, path=os.environ['PATH'] + ':/usr/sbin'):
            found[name] = (binary, command)
    upstream = free_port()
    serving = mp.Process(target=serve_upstream, args=(upstream,), daemon=True)
    serving.start()
    print('| phase | ' + ' | '.join(found) + ' |\n|---|' + '---:|' * len(found))
    with tempfile.TemporaryDirectory() as work:
        files = Files(work)
        for phase in arguments.phases.split(','):
            figures = measure(phase, found, files, arguments, upstream)
            unit = ' KiB' if phase == 'idle' else ' µs'
            base = next(iter(figures))
            cells = (f'{figure:.1f}{unit}' + (f' (×{figure / figures[base]:.2f})' if name != base else '') for name, figure in figures.items())
            print(f'| {phase} | ' + ' | '.join(cells) + ' |', flush=True)


CPUS = os.sched_getaffinity(0)
if __name__ == '__main__':
    main()
