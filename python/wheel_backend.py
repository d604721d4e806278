"""Builds the wheel: the extension, the modules, and the libraries that the extension needs, so that
nothing else is to be installed. pip's build backend (pyproject.toml), which needs no packages.

python3 python/wheel_backend.py DIRECTORY: the same by hand; prints the wheel's path."""

import base64
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Those of the C and C++ runtime are the system's, no older than the wheel's name says.
SYSTEMS = re.compile(r"lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|resolv)\.so|ld-linux")


def _run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _version():
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        return re.search(r"project\(tidemill\s+VERSION\s+([\d.]+)", file.read())[1]


def _tag():
    """What the wheel runs on: this Python, and a C library no older than this one."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    libc = platform.libc_ver()[1].replace(".", "_")
    return f"{python}-{python}-manylinux_{libc}_{platform.machine()}"


def _libraries(extension):
    """Paths of the shared libraries that the extension loads, by the names it loads them by."""
    found = {}
    for line in _run("ldd", extension).splitlines():
        match = re.match(r"\s*(\S+) => (\S+) \(", line)
        if "not found" in line:
            raise RuntimeError(f"a library of the extension is not there: {line.strip()}")
        if match and not SYSTEMS.match(match[1]):
            found[match[1]] = match[2]
    return found


def _stripped(source, target):
    shutil.copyfile(source, target)
    _run("strip", "--strip-unneeded", target)


def _content(built, into):
    """The package's files, in the directory `into`."""
    package = os.path.join(into, "tidemill")
    shutil.copytree(os.path.join(ROOT, "python", "tidemill"), package,
                    ignore=shutil.ignore_patterns("__pycache__"))
    extension = "_native" + sysconfig.get_config_var("EXT_SUFFIX")
    if not os.path.exists(os.path.join(built, extension)):
        raise RuntimeError(f"{built} has no {extension}: the package was built for another Python; "
                           "cmake --preset release -DPython_EXECUTABLE=… chooses this one")
    _stripped(os.path.join(built, extension), os.path.join(package, extension))
    os.mkdir(os.path.join(package, "libs"))
    for name, path in _libraries(os.path.join(built, extension)).items():
        _stripped(path, os.path.join(package, "libs", name))


def _record(path, name):
    with open(path, "rb") as file:
        content = file.read()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """pip's hook: builds, and returns the wheel's name."""
    subprocess.run([os.path.join(ROOT, "tools", "build"), "release", "tidemill_python"], check=True,
                   stdout=sys.stderr)
    return pack(os.path.join(ROOT, "build", "release", "python", "tidemill"), wheel_directory)


def pack(built, wheel_directory):
    """The wheel of what is built; its name."""
    version, tag = _version(), _tag()
    with tempfile.TemporaryDirectory() as into:
        _content(built, into)
        info = os.path.join(into, f"tidemill-{version}.dist-info")
        os.mkdir(info)
        shutil.copyfile(os.path.join(ROOT, "LICENSE"), os.path.join(info, "LICENSE"))
        with open(os.path.join(info, "METADATA"), "w", encoding="utf-8") as file:
            file.write(f"Metadata-Version: 2.1\nName: tidemill\nVersion: {version}\n"
                       "Summary: Stream processing with pyspark.streaming's names, exact across "
                       "crashes\nRequires-Python: >=3.11\nLicense-File: LICENSE\n")
        with open(os.path.join(info, "WHEEL"), "w", encoding="utf-8") as file:
            file.write("Wheel-Version: 1.0\nGenerator: tidemill\nRoot-Is-Purelib: false\n"
                       f"Tag: {tag}\n")
        names = sorted(os.path.relpath(os.path.join(directory, name), into)
                       for directory, _, files in os.walk(into) for name in files)
        with open(os.path.join(info, "RECORD"), "w", encoding="utf-8") as file:
            file.writelines(_record(os.path.join(into, name), name) for name in names)
            file.write(f"tidemill-{version}.dist-info/RECORD,,\n")
        wheel = f"tidemill-{version}-{tag}.whl"
        with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED,
                             compresslevel=9) as archive:
            for name in [*names, f"tidemill-{version}.dist-info/RECORD"]:
                archive.write(os.path.join(into, name), name)
    return wheel


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    print(os.path.join(sys.argv[1], build_wheel(sys.argv[1])))
