"""What soak.py gives the runtime to read, and replaces."""
import os, random, ssl, subprocess

DOMAIN = 'internal.example'
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
