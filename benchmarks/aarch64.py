"""The runtime's wheel on an emulated 64-bit ARM processor: golden requests, start, answer, update.

Run `python -m benchmarks.aarch64`. Needs Debian or Ubuntu with qemu-user-static, and its packages
and an index of Python's in reach; installs nothing on this machine: Debian's Python for arm64 and
the wheels are unpacked into a folder, which is kept in the cache of the user for the next time.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from edgerec.feed import new_key, publish

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgerec-aarch64"
EMULATOR = "qemu-aarch64-static"
# Of a Raspberry Pi 4. ONNX Runtime looks the processor up where Linux describes it, and the
# emulator would show it the one of this machine.
PROCESSOR = "cortex-a72"
CPU_INFO = """processor\t: 0
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
DEBIAN = (
    *("libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal", "libc6"),
    *("libstdc++6", "libgcc-s1", "zlib1g", "libexpat1", "libssl3", "libffi8", "libbz2-1.0"),
    *("liblzma5", "libsqlite3-0", "libuuid1"),
)
# The newest that the emulator of Debian 12 (qemu 7.2) runs; 1.32 is ended by it at its import.
ONNXRUNTIME = "1.30.0"
PORT = 8099
PATIENCE = 900
"""seconds, by default: a start took 33 of an idle core and 82 of a busy one, half of a second on
the machine itself; a look at the feed comes within the first minute after it"""
TOLERANCE = 1e-5


def run(*command: str | Path, **options: Any) -> str:
    """Run a program and return what it printed; ends this one with its errors where it fails."""
    ended = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, **options
    )
    if ended.returncode:
        sys.exit(f"error: {' '.join(map(str, command[:4]))} … failed:\n{ended.stderr[-2000:]}")
    return ended.stdout


def unpack_python(root: Path) -> None:
    """Unpack Debian's Python for arm64, by lists of packages of our own."""
    state, packages = root.with_name("apt"), root.with_name("packages")
    for folder in (root, packages, state / "lists" / "partial", state / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    options: list[str] = []
    for name, value in {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": state,
    }.items():
        options += ["-o", f"{name}={value}"]
    run("apt-get", *options, "-q", "update")
    run("apt-get", *options, "-q", "download", *DEBIAN, cwd=packages)
    for package in sorted(packages.glob("*.deb")):
        run("dpkg", "-x", package, root)
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc" / "cpuinfo").write_text(CPU_INFO)
    system = root / "sys" / "devices" / "system" / "cpu"
    system.mkdir(parents=True, exist_ok=True)
    for name in ("possible", "present", "online"):
        (system / name).write_text("0\n")


def unpack_wheels(site: Path, version: str) -> list[str]:
    """Unpack the runtime's wheel and what it asks for; returns the names of the wheels."""
    shutil.rmtree(site, ignore_errors=True)
    wheels = site.with_name("wheels")
    shutil.rmtree(wheels, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT / "device_runtime")
    (runtime,) = wheels.glob("*.whl")
    platforms = [f"manylinux{one}_aarch64" for one in ("_2_28", "_2_27", "_2_17", "2014")]
    run(
        *(*pip, "download", "--dest", wheels, "--only-binary=:all:", "--python-version", "3.11"),
        *(part for platform in platforms for part in ("--platform", platform)),
        *("--implementation", "cp", f"{runtime}[updates]", f"onnxruntime=={version}"),
    )
    names = sorted(path.name for path in wheels.glob("*.whl"))
    for name in names:
        with zipfile.ZipFile(wheels / name) as archive:
            archive.extractall(site)
    return names


def emulated(root: Path, site: Path, *arguments: str | Path) -> tuple[list[str], dict[str, str]]:
    """Return command and environment of the emulated Python."""
    command = [EMULATOR, "-cpu", PROCESSOR, "-L", root, root / "usr" / "bin" / "python3.11"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(site),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ORT_DISABLE_TELEMETRY": "1",
    }
    return [str(one) for one in (*command, *arguments)], environment


def replay(root: Path, site: Path, bundles: Sequence[Path]) -> None:
    """Answer golden requests with ONNX Runtime alone."""
    script = ROOT / "tests" / "contract" / "replay.py"
    command, environment = emulated(root, site, script, *bundles)
    for line in run(*command, env=environment).splitlines():
        one = json.loads(line)
        assert one["largest_difference"] <= TOLERANCE, one
        print(
            f"{one['bundle']:<24} {one['n_requests']} golden requests, at most "
            f"{one['largest_difference']:.1e} apart (ONNX Runtime {one['onnxruntime']})"
        )


class Silent(SimpleHTTPRequestHandler):
    """Serves a folder, and does not print what is asked."""

    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing."""


def get(path: str, body: object = None) -> Any:
    """Ask the service, as soon as it listens, and return what its JSON holds."""
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{PORT}{path}"
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=30))


def wait_for(
    what: str, service: subprocess.Popen[bytes], patience: float, asked: Callable[[], Any]
) -> Any:
    """Return what is answered as soon as it is something, within `patience` seconds."""
    started = time.perf_counter()
    while service.poll() is None and time.perf_counter() - started < patience:
        try:
            if answer := asked():
                print(f"{what} after {time.perf_counter() - started:.1f} s")
                return answer
        except OSError:
            pass
        time.sleep(0.1)
    ended = "the service ended" if service.poll() is not None else "it goes on; pass --patience"
    sys.exit(f"error: {what} was expected within {patience:g} seconds ({ended}); see above")


def serve(root: Path, site: Path, bundle: Path, feed: Path, key: str, patience: float) -> None:
    """Start the service, ask it, let it take a model of a feed, and ask again."""
    body = {"userId": 1, "itemIdList": [1, 2, 3]}
    handler = partial(Silent, directory=str(feed))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        options = [
            *("--port", PORT, "--feed", f"http://127.0.0.1:{web.server_port}", "--feed-key", key),
            *("--feed-folder", feed.with_name("kept"), "--feed-minutes", 1),
            # An emulator's milliseconds are no processor's.
            *("--feed-max-latency", 10_000),
        ]
        command, environment = emulated(
            root, site, "-m", "device_runtime", bundle, *map(str, options)
        )
        service = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            before = wait_for(
                "an answer", service, patience, lambda: get("/api/v1/recommend", body)
            )
            assert len(before["itemScoreList"]) == 3, before
            status = wait_for(
                "an update, verified, tried and put in place",
                service,
                patience,
                lambda: (found := get("/updates"))["serving"] == 1 and found,
            )
            after = get("/api/v1/recommend", body)
            assert after == before, (before, after)  # The feed's model is the same.
            print(f"  {json.dumps(after)}\n  {json.dumps(status)}")
        finally:
            service.terminate()
            service.wait(30)
            web.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--onnxruntime", default=ONNXRUNTIME, help="default: %(default)s")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds for a start; default: %(default)s"
    )
    options = parser.parse_args()
    for program in (EMULATOR, "apt-get", "dpkg"):
        if shutil.which(program) is None:
            sys.exit(
                f"error: there is no {program}; this needs Debian or Ubuntu with qemu-user-static"
            )
    root, site = CACHE / "root", CACHE / "site"
    if not (root / "sys").is_dir():
        unpack_python(root)
    for name in unpack_wheels(site, options.onnxruntime):
        print(name)
    demo = ROOT / "models" / "demo.onnx"
    replay(root, site, [demo, *sorted((ROOT / "tests" / "contract").glob("*.onnx"))])
    with tempfile.TemporaryDirectory() as folder:
        feed = Path(folder, "feed")
        key = new_key(Path(folder, "shop.key"))
        publish(demo, feed, key)
        serve(root, site, demo, feed, key.public_text, options.patience)


if __name__ == "__main__":
    main()
