"""The callers of soak.py: each keeps doing one thing, and raises what it did not expect."""
import asyncio, random, time


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
