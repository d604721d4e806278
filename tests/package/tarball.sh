#!/usr/bin/env bash
# tarball.sh BUILD_DIR WORK_DIR: links the program for the tarball, makes that, unpacks it in an empty
# directory, and counts words with what is there alone.
set -euo pipefail

build=$1 work=$2
here=$(cd "$(dirname "$0")" && pwd)
fail() {
    echo "FAILED: $1"
    cat "$work/job.log" 2>/dev/null || true
    exit 1
}
await() {
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    fail "$*"
}
is() { [[ $1 == "$2" ]] || fail "\"$1\" is not \"$2\""; }

rm -rf "$work"
mkdir -p "$work/empty"
cmake --build "$build" --target tidemill_static tidemill_man_pages >"$work/build.log" 2>&1 || {
    cat "$work/build.log"
    exit 1
}
tarball=$("$here/../../tools/package_files/tarball" "$build" "$work")
tar --extract --file "$tarball" --directory "$work/empty"
cd "$work"/empty/tidemill-*

# Of the machine it takes glibc and nothing else.
while read -r library _ path _; do
    case $library in
        linux-vdso.so.* | */ld-linux* | libc.so.* | libm.so.* | libdl.so.* | librt.so.*) ;;
        libpthread.so.* | libresolv.so.*) ;;
        *) [[ $(realpath "$path") == "$PWD"/lib/* ]] || fail "$library is taken from $path" ;;
    esac
done < <(ldd bin/tidemill)
for library in librocksdb librdkafka libsnappy liblz4 libzstd libsqlite3 libre2; do
    [[ -z $(objdump -p bin/tidemill | grep -F "NEEDED" | grep -F "$library.so" || true) ]] ||
        fail "$library is not in the program"
done
for file in README.md LICENSE share/tidemill@.service share/man1/tidemill.1 examples/wordcount.toml; do
    [[ -s $file ]] || fail "there is no $file"
done
grep -q 'libfmt' README.md || fail "README.md does not say which libraries lie beside the program"

port=$((20000 + RANDOM % 10000))
sed "s/9998/$port/" examples/wordcount_acknowledged.toml >job.toml
run() { env -i PATH=/nowhere "$PWD/bin/tidemill" "$@"; }
data=(--data-dir data)
run run job.toml "${data[@]}" >"$work/job.log" 2>&1 &
daemon=$!
trap 'kill -9 $daemon 2>/dev/null || true' EXIT
await run status "${data[@]}"
printf 'mill tide mill\n' | run send --session a "localhost:$port" >/dev/null
await sh -c "'$PWD/bin/tidemill' status --json --data-dir data | grep -q '\"records\":1,'"
run stop "${data[@]}" >/dev/null
is "$(run state export totals "${data[@]}" 2>/dev/null | tr '\t\n' '  ')" "mill 2 tide 1 "
echo "the tarball works"
