#!/usr/bin/env python3
"""Mixed load on one api-runtime for as long as you like, with reloads and revocations every second.

  soak.py --binary PATH [--minutes 30] [--callers 8] [--work DIR]

Callers keep connections, make new ones, post bodies, speak HTTP/2 and WebSocket, and ask for what they may not have. Meanwhile
policy, deny list, CRL and the server's certificate are replaced. Whoever is denied must be gone within three seconds, everybody
else must not notice anything. At the end: what was served, what went wrong, and whether memory stayed flat. Exit status 1 if
anything did. Needs Python 3.9 and openssl, nothing else.
"""
import argparse, asyncio, collections, json, os, random, signal, subprocess, sys, tempfile, threading, time
from soak_callers import Caller
from soak_files import DOMAIN, Files

VICTIMS = 4
CLOSED_WITHIN = 3.0
class Report:
    def __init__(self):
        self.served = collections.Counter()
        self.errors = collections.Counter()
        self.closed = []
        self.memory = []

    def error(self, what, error):
        self.errors[f'{what}: {type(error).__name__} {error}'[:160]] += 1


async def upstream(reader, writer):
    """One kilobyte for a request, an echo for a WebSocket."""
    try:
        while True:
            head = await reader.readuntil(b'\r\n\r\n')
            lowered = head.lower()
            if b'upgrade: websocket' in lowered:
                writer.write(b'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
                while piece := await reader.read(4096):
                    writer.write(piece)
                return
            length = [line for line in lowered.split(b'\r\n') if line.startswith(b'content-length:')]
            if length:
                await reader.readexactly(int(length[0].split(b':')[1]))
            writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n' + b'x' * 1024)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def forever(what, run, until, report):
    """What ends early is an error, and begins anew."""
    while time.time() < until:
        try:
            await run(until)
        except Exception as error:
            report.error(what, error)
            await asyncio.sleep(0.2)


async def revoke(files, victims, until, report):
    """Each second one victim is denied while its connection is open, and the one before may come back."""
    while time.time() < until:
        name = random.choice(list(victims))
        caller, serial = victims[name]
        try:
            reader, writer = await caller.connect()
            if (await caller.ask(reader, writer, 'GET', '/v1/a'))[0] != 200:
                raise RuntimeError('denied before its time')
            files.deny(serial)
            denied = time.time()
            left = await asyncio.wait_for(reader.read(), CLOSED_WITHIN)
            report.closed.append(time.time() - denied)
            if left:
                raise RuntimeError(f'{left!r} after the denial')
            writer.close()
            reader, writer = await caller.connect()
            if (await caller.ask(reader, writer, 'GET', '/v1/a'))[0] != 401:
                raise RuntimeError('served though denied')
            report.served['revocations'] += 1
            writer.close()
        except Exception as error:
            report.error('revocation', error)
        try:
            files.deny(None)
        except OSError as error:
            report.error('deny list', error)
        await asyncio.sleep(1.5)


async def reload(files, until, report):
    count = 0
    while time.time() < until:
        count += 1
        try:
            files.policy()
            if count % 5 == 0:
                await asyncio.to_thread(files.crl)
            if count % 30 == 0:
                await asyncio.to_thread(files.issue, 'server', 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth')
            report.served['reloads'] += 1
        except Exception as error:
            report.error('reload', error)
        await asyncio.sleep(1)


async def watch(process, until, report):
    while time.time() < until:
        if process.poll() is not None:
            report.errors['the runtime ended'] += 1
            return
        with open(f'/proc/{process.pid}/status') as status:
            report.memory.append(next(int(line.split()[1]) for line in status if line.startswith('VmRSS')))
        await asyncio.sleep(2)


def configuration(files, upstream_port):
    return f'''listen: 127.0.0.1:0
adminListen: 127.0.0.1:0
identity: {{ trustDomain: {DOMAIN} }}
tls: {{ certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt, crls: [ca.crl], refresh: 1s }}
policy: {{ source: "file:access.yaml", refresh: 1s }}
denyList: {{ source: "file:deny.yaml", refresh: 500ms }}
upstream: http://127.0.0.1:{upstream_port}
limits: {{ connectionAge: 60s }}
telemetry: {{ accessLog: access.log }}
'''


def start(binary, files):
    process = subprocess.Popen([binary, '--config', files.path('runtime.yaml')], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        said = json.loads(line)
        if 'callers' in said:
            log = open(files.path('runtime.log'), 'w')
            threading.Thread(target=lambda: [log.write(line) for line in process.stderr], daemon=True).start()
            return process, int(said['callers'].rsplit(':', 1)[1])
    sys.exit('the runtime did not start')


async def soak(arguments, files, report):
    server = await asyncio.start_server(upstream, '127.0.0.1', 0)
    files.write('runtime.yaml', configuration(files, server.sockets[0].getsockname()[1]))
    process, port = start(os.path.abspath(arguments.binary), files)
    until = time.time() + arguments.minutes * 60
    victims = {f'victim{n}': (Caller(files.caller(f'victim{n}', f'0x77{n:02}'), port, report), f'77{n:02}') for n in range(VICTIMS)}
    tasks = [revoke(files, victims, until, report), reload(files, until, report), watch(process, until, report)]
    for number in range(arguments.callers):
        caller = Caller(files.caller(f'caller{number}', f'0x55{number:02}'), port, report)
        what = ('keep_alive', 'keep_alive', 'http2', 'websocket')[number % 4]
        tasks.append(forever(what, getattr(caller, what), until, report))
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        process.kill()
        raise
    process.send_signal(signal.SIGINT)
    report.errors.update({} if await asyncio.to_thread(process.wait, 30) == 0 else {'the runtime did not end well': 1})


def show(report, minutes):
    quarter = max(1, len(report.memory) // 4)
    early, late = (sum(part) / len(part) for part in (report.memory[quarter:2 * quarter] or [0], report.memory[-quarter:]))
    closed = sorted(report.closed) or [0]
    print(f'{minutes:g} minutes: ' + ', '.join(f'{count:,} {what}' for what, count in sorted(report.served.items())))
    print(f'denied callers were gone after {closed[len(closed) // 2]:.2f} s (median), {closed[-1]:.2f} s (worst)')
    print(f'memory: {early / 1024:.1f} MiB in the second quarter, {late / 1024:.1f} MiB in the last')
    flat = late < early * 1.05 + 1024
    print('memory is flat' if flat else 'memory GREW')
    for error, count in report.errors.most_common():
        print(f'{count} x {error}')
    print('no unintended error' if not report.errors else 'unintended ERRORS')
    return 0 if flat and not report.errors else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', required=True)
    parser.add_argument('--minutes', type=float, default=30)
    parser.add_argument('--callers', type=int, default=8)
    parser.add_argument('--work')
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        work = arguments.work or scratch
        os.makedirs(work, exist_ok=True)
        asyncio.run(soak(arguments, Files(os.path.abspath(work)), report))
    sys.exit(show(report, arguments.minutes))


if __name__ == '__main__':
    main()
