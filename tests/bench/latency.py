#!/usr/bin/env python3
"""What enforcement costs the slow requests: the same upstream plain, behind TLS, behind mTLS, and behind mTLS with policy.

  latency.py --binary target/release/api-runtime [--svg latency.svg] [--rounds 5] [--seconds 3] [--connections 32]

  plain    the upstream itself                        mTLS    the tunnel asks for a client certificate
  TLS      a tunnel that takes TLS 1.3 off            policy  api-runtime: mTLS, CRL, policy, access log, forwarding

First each is asked as fast as it answers; the least of these rates is full load. Then all are asked at 50 % and 80 % of it, at
fixed times: a request's latency counts from when it was due (open loop), so a stall is seen by everybody it keeps waiting.
Upstream and server share one half of the CPUs, the load has the other. Rounds alternate between the four; the median is shown.
Prints a Markdown table and draws it. Needs Python 3.9, openssl, cargo (for tests/bench's `load`, or `--load PATH`), two CPUs.
"""
import argparse, json, os, socket, statistics, subprocess, sys, tempfile, time
from compare import free_port
from peers import Files, linkward

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = sorted(os.sched_getaffinity(0))
SERVERS, LOAD = set(ALL[:len(ALL) // 2]), set(ALL[len(ALL) // 2:])
STAGES = ('plain', 'TLS', 'mTLS', 'mTLS with policy')
SHARES = (0.5, 0.8)


def build():
    subprocess.run(['cargo', 'build', '--release', '--quiet', '--package', 'bench', '--bin', 'load'], check=True, cwd=HERE)
    metadata = subprocess.run(['cargo', 'metadata', '--format-version', '1', '--no-deps'], check=True, cwd=HERE, capture_output=True, text=True)
    return os.path.join(json.loads(metadata.stdout)['target_directory'], 'release', 'load')


def start(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, SERVERS))
    for _ in range(1500):
        if process.poll() is not None:
            sys.exit(f'{command[0]} ended with {process.returncode}')
        try:
            socket.create_connection(('127.0.0.1', port), 0.2).close()
            return process
        except OSError:
            time.sleep(0.02)
    sys.exit(f'{command[0]} does not listen')


def stages(tool, binary, files, running):
    """For each stage, what the load is told."""
    upstream = free_port()
    running.append(start([tool, 'upstream', f'127.0.0.1:{upstream}'], upstream))
    server, client, authority = files.path('both.pem'), files.path('client.pem'), files.path('ca.crt')
    files.write('client.pem', open(files.path('client.crt')).read() + open(files.path('client.key')).read())
    told = {'plain': [f'127.0.0.1:{upstream}']}
    for stage, asks in (('TLS', []), ('mTLS', ['--clients', authority])):
        port = free_port()
        running.append(start([tool, 'tunnel', f'127.0.0.1:{port}', f'127.0.0.1:{upstream}', '--own', server, *asks], port))
        told[stage] = [f'127.0.0.1:{port}', '--authorities', authority] + (['--own', client] if asks else [])
    port = free_port()
    running.append(start(linkward(files, binary, port, 'crl', upstream), port))
    told['mTLS with policy'] = [f'127.0.0.1:{port}', '--authorities', authority, '--own', client]
    return told


def send(tool, told, arguments, rate):
    command = [tool, 'send', *told, '--connections', str(arguments.connections), '--seconds', str(arguments.seconds), '--rate', str(rate)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, LOAD))
    figures = json.loads(done.stdout)
    if figures['errors'] or not figures['requests']:
        sys.exit(f'{" ".join(command)}: {done.stdout}')
    return figures


def measure(tool, told, arguments):
    """Full load, and for each share and stage the medians over the rounds."""
    capacity = {stage: statistics.median(send(tool, told[stage], arguments, 0)['rate'] for _ in range(3)) for stage in STAGES}
    full = min(capacity.values())
    figures = {(share, stage): [] for share in SHARES for stage in STAGES}
    for number in range(arguments.rounds):
        for share in SHARES:
            for stage in STAGES if number % 2 == 0 else STAGES[::-1]:
                figures[share, stage].append(send(tool, told[stage], arguments, full * share))
    median = lambda key: {name: statistics.median(one[name] for one in figures[key]) for name in ('p50', 'p95', 'p99', 'rate')}
    return capacity, full, {key: median(key) for key in figures}


def words(micros):
    return f'{micros:.0f} µs' if micros < 1000 else f'{micros / 1000:.2f} ms' if micros < 10_000 else f'{micros / 1000:.1f} ms'


def table(capacity, full, medians):
    lines = [f'Full load: {full:.0f} requests/s.', '', '| load | | ' + ' | '.join(STAGES) + ' |', '|---|---|' + '---:|' * len(STAGES)]
    lines.append('| as fast as it answers | requests/s | ' + ' | '.join(f'{capacity[stage]:.0f}' for stage in STAGES) + ' |')
    for share in SHARES:
        for name in ('p50', 'p95', 'p99'):
            base = medians[share, 'plain'][name]
            cells = (words(medians[share, stage][name]) + ('' if stage == 'plain' else f' (+{words(max(0, medians[share, stage][name] - base))})') for stage in STAGES)
            lines.append(f'| {share:.0%} ({full * share:.0f}/s) | {name} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def drawing(full, medians):
    """Bars of p95, with a line up to p99, in two groups."""
    width, height, left, top, bottom, bar, gap = 720, 360, 70, 48, 70, 58, 14
    highest = max(medians[key]['p99'] for key in medians)
    step = next(s * 10 ** e for e in range(8) for s in (1, 1.5, 2, 2.5, 3, 4, 5, 7.5) if 4 * s * 10 ** e >= highest)
    y = lambda value: height - bottom - (height - bottom - top) * value / (4 * step)
    mark = lambda value: words(value).replace('.00', '').replace('.0 ', ' ') if value else '0'
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">',
           '<style>text{fill:#57606a}.b{fill:#1f2328}.g{stroke:#d0d7de}@media(prefers-color-scheme:dark){text{fill:#9198a1}.b{fill:#e6edf3}.g{stroke:#3d444d}}</style>',
           f'<text class="b" x="{left}" y="20" font-size="14" font-weight="600">p95 before and after enforcement (thin line: p99)</text>']
    for tick in range(5):
        out.append(f'<line class="g" x1="{left}" x2="{width - 10}" y1="{y(tick * step):.1f}" y2="{y(tick * step):.1f}"/>'
                   f'<text x="{left - 8}" y="{y(tick * step) + 4:.1f}" text-anchor="end">{mark(tick * step)}</text>')
    colours = ('#8c959f', '#54aeff', '#2f6fdb', '#bc4c00')
    for group, share in enumerate(SHARES):
        x = left + 16 + group * (len(STAGES) * (bar + gap) + 36)
        out.append(f'<text class="b" x="{x + (len(STAGES) * (bar + gap) - gap) / 2}" y="{height - 12}" text-anchor="middle">{share:.0%} load, {full * share:.0f} requests/s</text>')
        for place, stage in enumerate(STAGES):
            at, value = x + place * (bar + gap), medians[share, stage]
            middle = at + bar / 2
            out.append(f'<rect x="{at}" y="{y(value["p95"]):.1f}" width="{bar}" height="{max(1, height - bottom - y(value["p95"])):.1f}" rx="3" fill="{colours[place]}"><title>{stage}: p50 {words(value["p50"])}, p95 {words(value["p95"])}, p99 {words(value["p99"])}</title></rect>'
                       f'<line x1="{middle}" x2="{middle}" y1="{y(value["p95"]):.1f}" y2="{y(value["p99"]):.1f}" stroke="{colours[place]}" stroke-width="2"/>'
                       f'<text class="b" x="{middle}" y="{y(value["p99"]) - 6:.1f}" text-anchor="middle">{words(value["p95"])}</text>')
            for line, word in enumerate(stage.split(' with ')):
                out.append(f'<text x="{middle}" y="{height - bottom + 16 + 13 * line}" text-anchor="middle">{"with " if line else ""}{word}</text>')
    return '\n'.join(out + ['</svg>', ''])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', required=True, help='api-runtime, built with --release')
    parser.add_argument('--load', help='tests/bench\'s `load`, built with --release; built if not given')
    parser.add_argument('--svg', default='latency.svg')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=3)
    parser.add_argument('--connections', type=int, default=32)
    arguments = parser.parse_args()
    if len(ALL) < 2:
        sys.exit('it takes two CPUs: one for the server, one for the load')
    tool, running = arguments.load or build(), []
    with tempfile.TemporaryDirectory() as work:
        try:
            told = stages(tool, os.path.abspath(arguments.binary), Files(work), running)
            capacity, full, medians = measure(tool, told, arguments)
        finally:
            for process in running:
                process.kill()
            for process in running:
                process.wait()
    print(table(capacity, full, medians))
    with open(arguments.svg, 'w') as file:
        file.write(drawing(full, medians))
    print(f'\nDrawn in {arguments.svg}.')


if __name__ == '__main__':
    main()
