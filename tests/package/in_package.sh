#!/usr/bin/env bash
# in_package.sh BUILD_DIR WORK_DIR SCRIPT [FILE]: makes the Debian package, installs it on a
# throw-away copy of this machine (an overlay of its files, which is gone afterwards), and runs
# SCRIPT there with FILE. Exit code 77: this needs root and overlay mounts.
set -euo pipefail

build=$1 work=$2
shift 2
rm -rf "$work"
mkdir -p "$work"
(cd "$build" && cpack -G DEB -B "$work/out") >"$work/cpack.log" 2>&1 || {
    cat "$work/cpack.log"
    exit 1
}
[[ $(id -u) == 0 ]] || { echo "not root"; exit 77; }
package=$(ls "$work"/out/*.deb)
place=$(mktemp -d)
trap 'rmdir "$place"' EXIT
# shellcheck disable=SC2016  # expanded inside
unshare --mount --pid --fork --kill-child bash -euc '
    place=$1 package=$2
    shift 2
    mount -t tmpfs none "$place"
    mkdir "$place/upper" "$place/work" "$place/root"
    root=$place/root
    if ! mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$root"
    then
        echo "no overlay mounts here"
        exit 77
    fi
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    mount -t tmpfs none "$root/run"
    mount -t tmpfs none "$root/tmp"
    cp "$package" "$root/tmp/tidemill.deb"
    inside=()
    for file; do
        cp "$file" "$root/tmp"
        inside+=("/tmp/$(basename "$file")")
    done
    chroot "$root" dpkg -i /tmp/tidemill.deb >"$root/tmp/dpkg.log" 2>&1 || {
        cat "$root/tmp/dpkg.log"
        exit 1
    }
    chroot "$root" "${inside[@]}"
' in_package "$place" "$package" "$@"
