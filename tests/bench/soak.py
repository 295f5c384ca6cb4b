#!/usr/bin/env python3
"""Mixed load on one api-runtime for as long as you like, with reloads and revocations every second.

  soak.py --binary PATH [--minutes 30] [--callers 8] [--work DIR]

Callers keep connections, make new ones, post bodies, speak HTTP/2 and WebSocket, and ask for what they may not have. Meanwhile
policy, deny list, CRL and the server's certificate are replaced. Whoever is denied must be gone within three seconds, everybody
else must not notice anything. At the end: what was served, what went wrong, and whether memory stayed flat. Exit status 1 if
anything did. Needs Python 3.9 and openssl, nothing else.
"""
import argparse, asyncio, collections, json, os, random, signal, ssl, subprocess, sys, tempfile, time

DOMAIN = 'internal.example'
VICTIMS = 4
CLOSED_WITHIN = 3.0
POLICY = '''version: 1
trustDomain: internal.example
endpoints: {{ unlisted: reject, consumers: [] }}
callers:
  - identity: spiffe://internal.example/soak/*
    permit: [{{ id: all, paths: ["/v1/{{*rest}}"] }}]
    forbid: [{{ id: none, paths: ["/v1/secret/{{*rest}}"] }}]
  - identity: spiffe://internal.example/other/n{number}
    permit: [{{ paths: ["/v2/{number}"] }}]
'''
CA_CONFIG = '''[ca]
default_ca=it
[it]
database={work}/index
crlnumber={work}/crlnumber
default_md=sha256
default_crl_days=1
[v3]
'''


def openssl(*arguments):
    subprocess.run(['openssl', *arguments], check=True, capture_output=True)


class Files:
    """Certificates, and everything the runtime reads again and again."""

    def __init__(self, work):
        self.work = work
        self.number = 0
        self.write('ca.conf', CA_CONFIG.format(work=work))
        self.write('index', '')
        self.write('index.attr', '')
        self.write('crlnumber', '01\n')
        self.key('ca')
        openssl('req', '-x509', '-new', '-key', self.path('ca.key'), '-out', self.path('ca.crt'), '-days', '30', '-subj',
                '/CN=Soak CA', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
        self.issue('server', 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth')
        self.replace('deny.yaml', 'entries: []\n')
        self.policy()
        self.crl()

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, text):
        with open(self.path(name), 'w') as file:
            file.write(text)

    def replace(self, name, text):
        self.write(name + '.new', text)
        os.rename(self.path(name + '.new'), self.path(name))

    def key(self, name):
        openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', self.path(name + '.key'))

    def issue(self, name, extensions, serial=None):
        self.key(name + '-new')
        self.write(name + '.ext', extensions + '\n')
        openssl('req', '-new', '-key', self.path(name + '-new.key'), '-out', self.path(name + '.csr'), '-subj', f'/CN={name}')
        openssl('x509', '-req', '-in', self.path(name + '.csr'), '-CA', self.path('ca.crt'), '-CAkey', self.path('ca.key'),
                '-days', '30', '-out', self.path(name + '-new.crt'), '-extfile', self.path(name + '.ext'), '-set_serial',
                serial or str(random.getrandbits(60)))
        for kind in ('key', 'crt'):
            os.rename(self.path(f'{name}-new.{kind}'), self.path(f'{name}.{kind}'))

    def caller(self, name, serial):
        self.issue(name, f'subjectAltName=URI:spiffe://{DOMAIN}/soak/{name}\nextendedKeyUsage=clientAuth', serial)
        context = ssl.create_default_context(cafile=self.path('ca.crt'))
        context.load_cert_chain(self.path(name + '.crt'), self.path(name + '.key'))
        return context

    def policy(self):
        self.number += 1
        self.replace('access.yaml', POLICY.format(number=self.number))

    def crl(self):
        openssl('ca', '-config', self.path('ca.conf'), '-gencrl', '-keyfile', self.path('ca.key'), '-cert', self.path('ca.crt'),
                '-out', self.path('ca.crl.new'))
        os.rename(self.path('ca.crl.new'), self.path('ca.crl'))

    def deny(self, serial):
        entry = f'entries:\n  - {{ serialNumber: "{serial}", reason: KEY_COMPROMISE }}\n' if serial else 'entries: []\n'
        self.replace('deny.yaml', entry)


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


class Caller:
    def __init__(self, context, port, report):
        self.context, self.port, self.report = context, port, report

    async def connect(self):
        return await asyncio.open_connection('127.0.0.1', self.port, ssl=self.context, server_hostname='localhost')

    async def ask(self, reader, writer, method, path, body=b''):
        """The status, and whether the connection goes on."""
        length = f'content-length: {len(body)}\r\n' if body else ''
        writer.write(f'{method} {path} HTTP/1.1\r\nhost: api\r\n{length}\r\n'.encode() + body)
        head = (await asyncio.wait_for(reader.readuntil(b'\r\n\r\n'), 20)).decode().lower()
        size = [line for line in head.split('\r\n') if line.startswith('content-length:')]
        if size:
            await asyncio.wait_for(reader.readexactly(int(size[0].split(':')[1])), 20)
        return int(head.split(' ')[1]), 'connection: close' not in head

    async def keep_alive(self, until):
        while time.time() < until:
            reader, writer = await self.connect()
            for _ in range(random.choice((1, 20, 200))):
                kind = random.random()
                if kind < 0.1:
                    expected, answer = 403, await self.ask(reader, writer, 'GET', '/v1/secret/a')
                elif kind < 0.4:
                    expected, answer = 200, await self.ask(reader, writer, 'POST', '/v1/a', b'y' * random.randint(1, 50_000))
                else:
                    expected, answer = 200, await self.ask(reader, writer, 'GET', '/v1/a?b=c')
                if answer[0] != expected:
                    raise RuntimeError(f'{answer[0]} instead of {expected}')
                self.report.served['http/1.1'] += 1
                if not answer[1]:
                    break
                await asyncio.sleep(random.random() * 0.02)
            writer.close()

    async def websocket(self, until):
        while time.time() < until:
            reader, writer = await self.connect()
            writer.write(b'GET /v1/socket HTTP/1.1\r\nhost: api\r\nconnection: upgrade\r\nupgrade: websocket\r\n'
                         b'sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\nsec-websocket-version: 13\r\n\r\n')
            if not (await reader.readuntil(b'\r\n\r\n')).startswith(b'HTTP/1.1 101'):
                raise RuntimeError('no WebSocket')
            for _ in range(100):
                writer.write(b'z' * 500)
                await asyncio.wait_for(reader.readexactly(500), 20)
                self.report.served['websocket'] += 1
                await asyncio.sleep(0.05)
            writer.close()

    async def http2(self, until):
        self.context.set_alpn_protocols(['h2'])
        fields = ((':method', 'GET'), (':scheme', 'https'), (':authority', 'api'), (':path', '/v1/a'))
        block = b''.join(b'\0' + bytes([len(n)]) + n.encode() + bytes([len(v)]) + v.encode() for n, v in fields)
        while time.time() < until:
            reader, writer = await self.connect()
            writer.write(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(4, 0, 0, b''))
            for stream in range(1, 1001, 2):
                writer.write(frame(1, 5, stream, block))
                ended, gone = False, False
                while not ended:
                    kind, flags, of, payload = await asyncio.wait_for(read_frame(reader), 20)
                    if kind == 4 and not flags & 1:
                        writer.write(frame(4, 1, 0, b''))
                    elif kind == 0 and payload:
                        writer.write(frame(8, 0, 0, len(payload).to_bytes(4, 'big')))
                    elif kind == 1 and payload[0] != 0x88:
                        raise RuntimeError('not 200')
                    elif kind == 3:
                        raise RuntimeError('the stream was reset')
                    elif kind == 7:
                        gone = True
                    ended = kind in (0, 1) and flags & 1 and of == stream
                self.report.served['http/2'] += 1
                if gone:
                    break
                await asyncio.sleep(random.random() * 0.02)
            writer.close()


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, 'big') + bytes([kind, flags]) + stream.to_bytes(4, 'big') + payload


async def read_frame(reader):
    head = await reader.readexactly(9)
    payload = await reader.readexactly(int.from_bytes(head[:3], 'big'))
    return head[3], head[4], int.from_bytes(head[5:], 'big'), payload


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
            import threading
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
