"""The servers that compare.py compares: their certificates, configurations and command lines."""
import json, os, subprocess

IDENTITY = 'spiffe://example.test/svc/orders'


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


def linkward(files, binary, port, crl, upstream, name='linkward', telemetry='accessLog: linkward.log'):
    files.write('access.yaml', f'''version: 1
trustDomain: example.test
endpoints: {{ unlisted: reject, consumers: [] }}
callers: [{{ identity: "{IDENTITY}", permit: [{{ methods: [GET], paths: ["/v1/orders/{{*rest}}"] }}] }}]
''')
    forward = f'upstream: http://127.0.0.1:{upstream}' if upstream else ''
    config = files.write(name + '.yaml', f'''listen: 127.0.0.1:{port}
adminListen: 127.0.0.1:0
tls: {{ certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt, crls: [{crl}.pem] }}
identity: {{ trustDomain: example.test }}
policy: {{ source: "file:access.yaml" }}
limits: {{ connections: 20000 }}
telemetry: {{ {telemetry} }}
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
