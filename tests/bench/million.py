#!/usr/bin/env python3
"""A policy of 1,000,000 callers and a deny list of 1,000,000 entries: how long they take to load, what they cost a request,
and whether requests notice when they are replaced.

  million.py --binary target/release/api-runtime [--entries 1000000] [--seconds 6]

Prints a Markdown table, and a line for each promise that is not kept; exit status 1 if there is one. The promises: both load in
under 5 s, a request costs at most 1.1 times what it costs with one caller, and at the 99th percentile it takes no longer while
either is replaced than twice what it takes otherwise, or 3 ms more. Needs Python 3.9, openssl, and two CPUs for the figures to mean
anything. Entries are JSON: YAML of that size is read more slowly.
"""
import argparse, json, os, signal, socket, statistics, subprocess, sys, tempfile, threading, time, urllib.request
from compare import CPUS, Server, connect, free_port, read_answer, sample
from peers import IDENTITY, Files

LOADS_WITHIN = 5.0
COSTS_AT_MOST = 1.1
REQUEST = b'GET /v1/orders/1 HTTP/1.1\r\nhost: localhost\r\n\r\n'


def policy(entries, version):
    rule = '"permit":[{"methods":["GET"],"paths":["/v1/orders/{*rest}"]}]'
    others = (f'{{"identity":"spiffe://example.test/svc/n{n}","permit":[{{"paths":["/v{version}/n{n}/{{id}}"]}}]}}' for n in range(1, entries))
    callers = ',\n'.join([f'{{"identity":"{IDENTITY}",{rule}}}', *others])
    return f'{{"version":1,"trustDomain":"example.test","endpoints":{{"unlisted":"reject","consumers":[]}},"callers":[\n{callers}]}}'


def deny_list(entries, version):
    each = (f'{{"serialNumber":"{0xa0000000 + n:x}","reason":"version {version}"}}' for n in range(entries))
    return '{"entries":[\n' + ',\n'.join(each) + ']}'


def replace(files, name, text):
    os.rename(files.write(name + '.new', text), files.path(name))


class Runtime(Server):
    """The runtime with so many callers and entries; the seconds it took to be ready, and those of the CPU."""

    def __init__(self, name, binary, files, entries):
        port, self.admin = free_port(), free_port()
        files.write(name + '-access.json', policy(entries, 1))
        files.write(name + '-deny.json', deny_list(entries, 1))
        config = files.write(name + '.yaml', f'''listen: 127.0.0.1:{port}
adminListen: 127.0.0.1:{self.admin}
tls: {{ certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt, crls: [crl.pem] }}
identity: {{ trustDomain: example.test }}
policy: {{ source: "file:{name}-access.json", refresh: 1s }}
denyList: {{ source: "file:{name}-deny.json", refresh: 1s }}
telemetry: {{ accessLog: {name}.log }}
''')
        began = time.time()
        super().__init__(name, [binary, '--config', config], port, files)
        self.ready, self.ready_cpu = time.time() - began, self.cpu()
        os.sched_setaffinity(self.process.pid, CPUS)
        for thread in os.listdir(f'/proc/{self.process.pid}/task'):
            os.sched_setaffinity(int(thread), CPUS)

    def revision(self, kind):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.admin}/status', timeout=10) as answer:
            return json.load(answer)['snapshots'][kind]['revision']


def latencies(new, stop, into):
    """Asks, on one connection and at leisure, until told to stop: when each request began, and how long it took."""
    stream = new()
    while not stop.is_set():
        began = time.perf_counter()
        stream.sendall(REQUEST)
        read_answer(stream)
        into.append((began, time.perf_counter() - began))
        time.sleep(0.002)


def percentile(times, part=0.99):
    times = sorted(times)
    return times[int(len(times) * part)] * 1e3 if times else float('nan')


def swap(runtime, files, name, kind, text):
    """From the renaming to the first answer that knows of it."""
    before = runtime.revision(kind)
    files.write(name + '.new', text)
    began = time.perf_counter()
    os.rename(files.path(name + '.new'), files.path(name))
    while runtime.revision(kind) == before:
        if time.perf_counter() - began > 60:
            sys.exit(f'{name} was replaced a minute ago, and nothing happened')
        time.sleep(0.05)
    # What was replaced is given back a little later.
    in_force = time.perf_counter()
    time.sleep(3)
    return began, in_force


def swaps(runtime, name, files, entries, seconds):
    """The 99th percentile in peace, and for each replacement how long it took and the 99th percentile meanwhile."""
    stop, into = threading.Event(), []
    asking = threading.Thread(target=latencies, args=(connect(files.work, runtime.port), stop, into), daemon=True)
    replacements = {'policy': (f'{name}-access.json', policy(entries, 2)), 'denyList': (f'{name}-deny.json', deny_list(entries, 2))}
    asking.start()
    time.sleep(seconds)
    peace, result = percentile([took for _, took in into]), {}
    for kind, (file, text) in replacements.items():
        began, in_force = swap(runtime, files, file, kind, text)
        result[kind] = (in_force - began, percentile([took for at, took in into if began <= at <= in_force + 3]))
    stop.set()
    asking.join(10)
    return peace, result


def promises(large, cost, peace, swapped):
    # On a machine that has other things to do, CPU time says what loading takes.
    if min(large.ready, large.ready_cpu) > LOADS_WITHIN:
        yield f'loading took {large.ready:.1f} s'
    if cost > COSTS_AT_MOST:
        yield f'a request costs {cost:.2f} times what it costs with one caller'
    for kind, (_, meanwhile) in swapped.items():
        if meanwhile > max(2 * peace, peace + 3):
            yield f'while {kind} was replaced the 99th percentile was {meanwhile:.1f} ms instead of {peace:.1f} ms'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', required=True, help='api-runtime, built with --release')
    parser.add_argument('--entries', type=int, default=1_000_000)
    parser.add_argument('--seconds', type=float, default=6)
    arguments = parser.parse_args()
    runtimes = {}
    with tempfile.TemporaryDirectory() as work:
        files, binary = Files(work), os.path.abspath(arguments.binary)
        try:
            for name, entries in (('small', 1), ('large', arguments.entries)):
                runtimes[name] = Runtime(name, binary, files, entries)
            rounds = [{name: sample(runtime, work, 'ka', 1) for name, runtime in runtimes.items()} for _ in range(int(arguments.seconds))]
            costs = {name: statistics.median(one[name] for one in rounds) for name in runtimes}
            cost = statistics.median(one['large'] / one['small'] for one in rounds)
            memory = {name: runtime.memory() / 1024 for name, runtime in runtimes.items()}
            peace, swapped = swaps(runtimes['large'], 'large', files, arguments.entries, arguments.seconds)
        finally:
            for runtime in runtimes.values():
                runtime.process.send_signal(signal.SIGKILL)
                runtime.process.wait()
    print(f'| callers and denied serials | ready after | of it CPU | memory | CPU for a request |\n|---|---:|---:|---:|---:|')
    for name, entries in (('small', 1), ('large', arguments.entries)):
        print(f'| {entries:,} | {runtimes[name].ready:.2f} s | {runtimes[name].ready_cpu:.2f} s | {memory[name]:.0f} MiB | {costs[name]:.1f} µs |')
    print(f'\nThe 99th percentile is {peace:.2f} ms in peace.')
    for kind, (took, meanwhile) in swapped.items():
        print(f'{kind}: in force {took:.2f} s after the file was replaced (it is looked at each second), 99th percentile meanwhile {meanwhile:.2f} ms.')
    broken = list(promises(runtimes['large'], cost, peace, swapped))
    print('\n'.join(broken) or 'All promises are kept.')
    sys.exit(bool(broken))


if __name__ == '__main__':
    main()
