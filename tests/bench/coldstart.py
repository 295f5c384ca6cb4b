#!/usr/bin/env python3
"""How large the functions' packages are, and how soon they ask for their first event.

  coldstart.py [--runs 21] [--python tests/bench/approver_boto3.py] PACKAGE.zip | BINARY ...

Starts each in turn against a runtime API of its own, and prints a Markdown table: medians of the wall time from exec to the first
`/next`, of the processor time until then (which a busy machine does not falsify), and the resident memory. Beside them the same handler
in Python, if its file is given; it runs with the interpreter that runs this, which needs boto3 and PyYAML.
"""
import argparse, os, pathlib, statistics, subprocess, sys, tempfile, threading, time, zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AUTHORITY = 'arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555'
CONFIGURATION = {
    'AWS_LAMBDA_FUNCTION_NAME': 'f', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE': '128', 'AWS_LAMBDA_FUNCTION_VERSION': '1',
    'AWS_LAMBDA_LOG_STREAM_NAME': 's', 'AWS_LAMBDA_LOG_GROUP_NAME': 'g', '_HANDLER': 'bootstrap', 'AWS_REGION': 'eu-west-1',
    'AWS_DEFAULT_REGION': 'eu-west-1', 'AWS_ACCESS_KEY_ID': 'test', 'AWS_SECRET_ACCESS_KEY': 'test',
    'LINKWARD_POLICY_SOURCE': 'dynamodb:access-policy', 'LINKWARD_SERVICE_IDS': 'vpce-svc-0123456789abcdef0',
    'LINKWARD_ENDPOINT_INVENTORY_TABLE': 'endpoint-inventory', 'LINKWARD_DENY_LIST_TABLE': 'deny-list',
    'LINKWARD_CERTIFICATE_INVENTORY_TABLE': 'certificate-inventory', 'LINKWARD_EVENT_BUS': 'linkward',
    'LINKWARD_CERTIFICATE_AUTHORITY_ARNS': AUTHORITY, 'LINKWARD_TRUST_DOMAIN': 'internal.example'}


class RuntimeApi(BaseHTTPRequestHandler):
    asked = threading.Event()

    def do_GET(self):
        RuntimeApi.at = time.perf_counter()
        RuntimeApi.asked.set()
        time.sleep(0.3)  # by then it has been looked at and ended

    def log_message(self, *_):
        pass


def on_cpu(pid):
    tasks = pathlib.Path(f'/proc/{pid}/task').iterdir()
    return sum(int((task / 'schedstat').read_text().split()[0]) for task in tasks) / 1e6


def resident(pid):
    status = pathlib.Path(f'/proc/{pid}/status').read_text().splitlines()
    return int(next(line for line in status if line.startswith('VmRSS')).split()[1]) / 1024


def start(command, port):
    RuntimeApi.asked.clear()
    environment = {'PATH': os.environ['PATH'], 'HOME': '/nonexistent', **CONFIGURATION, 'AWS_LAMBDA_RUNTIME_API': f'127.0.0.1:{port}'}
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not RuntimeApi.asked.wait(30):
            sys.exit(f'{command}: no /next within 30 s; it ended with {process.poll()}')
        return (RuntimeApi.at - began) * 1000, on_cpu(process.pid), resident(process.pid)
    finally:
        process.kill()
        process.wait()


def unpacked(package, folder):
    if not zipfile.is_zipfile(package):
        return package.stem, package, None
    name = package.parent.name if package.stem == 'bootstrap' else package.stem
    zipfile.ZipFile(package).extract('bootstrap', folder / name)
    (folder / name / 'bootstrap').chmod(0o755)
    return name, folder / name / 'bootstrap', package.stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=21)
    parser.add_argument('--python', type=pathlib.Path)
    parser.add_argument('packages', type=pathlib.Path, nargs='+')
    options = parser.parse_args()
    server = ThreadingHTTPServer(('127.0.0.1', 0), RuntimeApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        subjects = [unpacked(package.resolve(), pathlib.Path(folder)) for package in options.packages]
        commands = [(name, [str(binary)], size) for name, binary, size in subjects]
        if options.python:
            commands.append((options.python.stem, [sys.executable, str(options.python.resolve())], None))
        measured = {name: [] for name, _, _ in commands}
        for _ in range(options.runs):
            for name, command, _ in commands:
                measured[name].append(start(command, server.server_port))
    print('| function | package | first `/next` | processor time | resident |\n|---|---|---|---|---|')
    for name, _, size in commands:
        wall, cpu, memory = (statistics.median(column) for column in zip(*measured[name]))
        package = '–' if size is None else f'{size / 1e6:.2f} MB'
        print(f'| {name} | {package} | {wall:.1f} ms | {cpu:.1f} ms | {memory:.1f} MiB |')


if __name__ == '__main__':
    main()
