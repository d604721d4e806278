# What the scripts share that fetch and start a real peer for tests. Bash; to be sourced.

# Ends with 77, which tests take for "skip": the peer cannot be had here, and why.
cannot() {
    echo "$(basename "$0"): $*" >&2
    exit 77
}

# Debian packages, as root or by sudo.
install_packages() {
    local as_root=(env DEBIAN_FRONTEND=noninteractive)
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null ||
            cannot "neither root nor sudo, so these cannot be installed: $*"
        as_root=(sudo -n "${as_root[@]}")
    fi
    { "${as_root[@]}" apt-get -q update &&
        "${as_root[@]}" apt-get -q -y install --no-install-recommends "$@"; } >&2 ||
        cannot "these packages could not be installed: $*"
}
