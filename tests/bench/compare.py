#!/usr/bin/env python3
"""Compare api-runtime with whichever of nginx, HAProxy and Envoy is installed, on your machine.

  compare.py --binary PATH [--phases ka,hs,hs100k,proxy,idle] [--rounds 5] [--seconds 2]

All terminate mTLS 1.3, check a CRL, authorize by method, path and identity, and write an access log in JSON. Each server is pinned
to one CPU, the load to the others; short samples alternate between the servers, and the median of the rounds is shown. The figure is
the server's CPU time for one request (KiB of memory for one connection in `idle`), so that it does not matter how fast the load is.
  ka      HTTP/1.1, kept-alive connections          hs      a full handshake and one request
  proxy   the same, forwarded to an upstream        hs100k  the same, with a CRL of 100,000 entries
  idle    2,000 connections after one request
Needs Python 3.9 and openssl, and at least two CPUs.
"""
import argparse, json, multiprocessing as mp, os, resource, shutil, signal, socket, ssl, statistics, subprocess, sys, tempfile, time

REQUEST = b'GET /v1/orders/1 HTTP/1.1\r\nhost: localhost\r\n\r\n'
IDENTITY = 'spiffe://example.test/svc/orders'
CONNECTIONS = 64
IDLE = 2000


def openssl(*arguments):
    subprocess.run(['openssl', *arguments], check=True, capture_output=True)


class Files:
    def __init__(self, work):
        self.work = work
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', self.path('ca.key'),
                '-out', self.path('ca.crt'), '-subj', '/CN=Bench CA', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
        self.issue('server', '/CN=localhost', 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth')
        self.issue('client', '/CN=orders', f'subjectAltName=URI:{IDENTITY}\nextendedKeyUsage=clientAuth')
        self.write('both.pem', open(self.path('server.crt')).read() + open(self.path('server.key')).read())
        for name, entries in (('crl', 1), ('crl100k', 100_000)):
            self.crl(name, entries)

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, text):
        with open(self.path(name), 'w') as file:
            file.write(text)
        return self.path(name)

    def issue(self, name, subject, extensions):
        openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', self.path(name + '.key'), '-out',
                self.path(name + '.csr'), '-subj', subject)
        openssl('x509', '-req', '-in', self.path(name + '.csr'), '-CA', self.path('ca.crt'), '-CAkey', self.path('ca.key'), '-out',
                self.path(name + '.crt'), '-days', '30', '-extfile', self.write(name + '.ext', extensions), '-set_serial', '77')

    def crl(self, name, entries):
        lines = (f'R\t350101000000Z\t250101000000Z\t{0x100000 + n:08X}\tunknown\t/CN=n{n}\n' for n in range(entries))
        self.write('index', ''.join(lines))
        self.write('crlnumber', '01\n')
        config = f'[ca]\ndefault_ca=it\n[it]\ndatabase={self.path("index")}\ncrlnumber={self.path("crlnumber")}\n'
        openssl('ca', '-config', self.write('ca.conf', config + 'default_md=sha256\ndefault_crl_days=30\n'), '-gencrl', '-keyfile',
                self.path('ca.key'), '-cert', self.path('ca.crt'), '-out', self.path(name + '.pem'))


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def linkward(files, binary, port, crl, upstream):
    files.write('access.yaml', f'''version: 1
trustDomain: example.test
endpoints: {{ unlisted: reject, consumers: [] }}
callers: [{{ identity: "{IDENTITY}", permit: [{{ methods: [GET], paths: ["/v1/orders/{{*rest}}"] }}] }}]
''')
    forward = f'upstream: http://127.0.0.1:{upstream}' if upstream else ''
    config = files.write('linkward.yaml', f'''listen: 127.0.0.1:{port}
adminListen: 127.0.0.1:0
tls: {{ certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt, crls: [{crl}.pem] }}
identity: {{ trustDomain: example.test }}
policy: {{ source: "file:access.yaml" }}
limits: {{ connections: 20000 }}
telemetry: {{ accessLog: linkward.log }}
{forward}
''')
    return [binary, '--config', config]


def nginx(files, binary, port, crl, upstream):
    work = files.work
    answer = '''proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header x-caller $cn;''' \
        if upstream else '''return 200 '{"ok":true,"caller":"$cn"}';'''
    temporary = ' '.join(f'{kind}_temp_path {work}/nginx-{kind};' for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    config = files.write('nginx.conf', f'''worker_processes 1; daemon off; pid {work}/nginx.pid; worker_rlimit_nofile 20000;
events {{ worker_connections 16000; }}
http {{
  log_format j escape=json '{{"ts":"$msec","peer":"$remote_addr","caller":"$ssl_client_s_dn","method":"$request_method","path":"$uri","status":$status,"dur":$request_time}}';
  access_log {work}/nginx.log j buffer=32k flush=1s; {temporary}
  keepalive_requests 1000000000; keepalive_timeout 300s; default_type application/json;
  ssl_certificate {work}/server.crt; ssl_certificate_key {work}/server.key; ssl_client_certificate {work}/ca.crt;
  ssl_verify_client on; ssl_crl {work}/{crl}.pem; ssl_protocols TLSv1.3; ssl_session_cache off; ssl_session_tickets off;
  map "$ssl_client_s_dn $request_method $uri" $allow {{ default 0; "~^CN=orders GET /v1/orders/" 1; }}
  map "$ssl_client_s_dn" $cn {{ default "-"; "~CN=(?<x>[^,]+)" $x; }}
  upstream up {{ server 127.0.0.1:{upstream or 9}; keepalive 256; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port} ssl backlog=4096; if ($allow = 0) {{ return 403; }} location / {{ {answer} }} }}
}}
''')
    return [binary, '-c', config, '-e', f'{work}/nginx.err']


def haproxy(files, binary, port, crl, upstream):
    work = files.work
    answer = 'default_backend up' if upstream else '''http-request return status 200 content-type application/json lf-string '{"ok":true,"caller":"%[ssl_c_s_dn(cn)]"}\''''
    config = files.write('haproxy.cfg', f'''global
  nbthread 1
  maxconn 9000
  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
  tune.ssl.cachesize 0
  log stdout format raw daemon
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  log global
frontend it
  bind 127.0.0.1:{port} ssl crt {work}/both.pem ca-file {work}/ca.crt verify required crl-file {work}/{crl}.pem alpn h2,http/1.1 backlog 4096
  log-format '{{"ts":"%Ts.%ms","peer":"%ci","caller":"%{{+E}}[ssl_c_s_dn(cn)]","method":"%HM","path":"%HP","status":%ST,"dur":%Ta}}'
  http-request deny unless {{ method GET }} {{ path_beg /v1/orders/ }} {{ ssl_c_s_dn(cn) -m str orders }}
  http-request set-header x-caller %[ssl_c_s_dn(cn)]
  {answer}
backend up
  server u 127.0.0.1:{upstream or 9} pool-max-conn 1000
''')
    return [binary, '-db', '-f', config]


def envoy(files, binary, port, crl, upstream):
    kind = lambda name: 'type.googleapis.com/envoy.' + name
    file = lambda name: {'filename': files.path(name)}
    fields = {'ts': '%START_TIME%', 'caller': '%DOWNSTREAM_PEER_URI_SAN%', 'method': '%REQ(:METHOD)%', 'path': '%REQ(:PATH)%', 'status': '%RESPONSE_CODE%'}
    log = {'name': 'log', 'typed_config': {'@type': kind('extensions.access_loggers.file.v3.FileAccessLog'), 'path': files.path('envoy.log'), 'log_format': {'json_format': fields}}}
    asked = {'and_rules': {'rules': [{'header': {'name': ':method', 'string_match': {'exact': 'GET'}}}, {'url_path': {'path': {'prefix': '/v1/orders/'}}}]}}
    rules = {'action': 'ALLOW', 'policies': {'orders': {'permissions': [asked], 'principals': [{'authenticated': {'principal_name': {'exact': IDENTITY}}}]}}}
    rbac = {'name': 'envoy.filters.http.rbac', 'typed_config': {'@type': kind('extensions.filters.http.rbac.v3.RBAC'), 'rules': rules}}
    router = {'name': 'envoy.filters.http.router', 'typed_config': {'@type': kind('extensions.filters.http.router.v3.Router')}}
    route = {'match': {'prefix': '/'}, **({'route': {'cluster': 'up'}} if upstream else {'direct_response': {'status': 200, 'body': {'inline_string': '{"ok":true}'}}})}
    http = {'@type': kind('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'), 'stat_prefix': 'in', 'access_log': [log], 'http_filters': [rbac, router],
            'route_config': {'virtual_hosts': [{'name': 'v', 'domains': ['*'], 'routes': [route]}]}}
    tls = {'@type': kind('extensions.transport_sockets.tls.v3.DownstreamTlsContext'), 'require_client_certificate': True, 'disable_stateless_session_resumption': True,
           'common_tls_context': {'tls_params': {'tls_minimum_protocol_version': 'TLSv1_3', 'tls_maximum_protocol_version': 'TLSv1_3'},
                                  'tls_certificates': [{'certificate_chain': file('server.crt'), 'private_key': file('server.key')}],
                                  'validation_context': {'trusted_ca': file('ca.crt'), 'crl': file(crl + '.pem')}}}
    address = lambda at: {'socket_address': {'address': '127.0.0.1', 'port_value': at}}
    chain = {'filters': [{'name': 'envoy.filters.network.http_connection_manager', 'typed_config': http}], 'transport_socket': {'name': 'tls', 'typed_config': tls}}
    cluster = {'name': 'up', 'type': 'STATIC', 'load_assignment': {'cluster_name': 'up', 'endpoints': [{'lb_endpoints': [{'endpoint': {'address': address(upstream or 9)}}]}]}}
    config = {'static_resources': {'listeners': [{'address': address(port), 'filter_chains': [chain]}], 'clusters': [cluster]}}
    return [binary, '-c', files.write('envoy.json', json.dumps(config)), '--concurrency', '1', '--disable-hot-restart', '-l', 'error']


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


def connect(work, port):
    context = ssl.create_default_context(cafile=os.path.join(work, 'ca.crt'))
    context.load_cert_chain(os.path.join(work, 'client.crt'), os.path.join(work, 'client.key'))
    return lambda: context.wrap_socket(socket.create_connection(('127.0.0.1', port)), server_hostname='localhost')


def read_answer(stream):
    answer = b''
    while b'\r\n\r\n' not in answer:
        piece = stream.recv(65536)
        if not piece:
            raise ConnectionError('closed')
        answer += piece
    head, _, body = answer.partition(b'\r\n\r\n')
    if not head.startswith(b'HTTP/1.1 200'):
        raise RuntimeError(head.decode())
    lengths = [line for line in head.lower().split(b'\r\n') if line.startswith(b'content-length:')]
    missing = int(lengths[0].split(b':')[1]) - len(body)
    while missing > 0:
        missing -= len(stream.recv(65536))


def load(work, port, handshakes, seconds, count, start, done):
    os.sched_setaffinity(0, CPUS - {min(CPUS)})
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
        async with await asyncio.start_server(serve, '127.0.0.1', port) as server:
            await server.serve_forever()

    os.sched_setaffinity(0, CPUS - {min(CPUS)})
    asyncio.run(forever())


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


def end(process):
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', required=True, help='api-runtime, built with --release')
    parser.add_argument('--phases', default='ka,hs,hs100k,proxy,idle')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=2)
    arguments = parser.parse_args()
    if len(CPUS) < 2:
        sys.exit('it takes two CPUs: one for the server, one for the load')
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found = {'linkward': (os.path.abspath(arguments.binary), linkward)}
    for name, command in (('nginx', nginx), ('haproxy', haproxy), ('envoy', envoy)):
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
            cells = (f'{figure:.1f}{unit}' + (f' (×{figure / figures["linkward"]:.2f})' if name != 'linkward' else '') for name, figure in figures.items())
            print(f'| {phase} | ' + ' | '.join(cells) + ' |', flush=True)


CPUS = os.sched_getaffinity(0)
if __name__ == '__main__':
    main()
