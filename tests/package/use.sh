#!/usr/bin/env bash
# Uses the installed package as an operator would; in_package.sh runs it.
set -euo pipefail

fail() {
    echo "FAILED: $1"
    cat /tmp/job.log 2>/dev/null || true
    exit 1
}
# Until a command succeeds, at most 20 s.
await() {
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    fail "$*"
}
is() { [[ $1 == "$2" ]] || fail "\"$1\" is not \"$2\""; }

[[ $(command -v tidemill) == /usr/bin/tidemill ]] || fail "another tidemill is on the PATH"
is "$(stat -c '%U %a' /var/lib/tidemill)" "tidemill 700"
[[ -d /etc/tidemill ]] || fail "no /etc/tidemill"

# The unit is one that systemd understands, where that is at hand.
if command -v systemd-analyze >/dev/null; then
    said=$(systemd-analyze verify /usr/lib/systemd/system/tidemill@.service 2>&1 |
        grep 'tidemill@' || true)
    is "$said" ""
fi

# A job as the service runs it: the same command line, the same user, the same directory.
port=$((20000 + RANDOM % 10000))
cat >/etc/tidemill/words.toml <<JOB
[job]
name = "words"
interval = "100ms"
[[source]]
type = "listen_acknowledged"
port = $port
[[step]]
do = "split"
[[step]]
do = "count"
[[step]]
do = "running_totals"
name = "totals"
JOB
command=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/tidemill@.service |
    sed 's|%i|words|g; s|%S|/var/lib|g')
as() { setpriv --reuid tidemill --regid tidemill --clear-groups --no-new-privs "$@"; }
# shellcheck disable=SC2086  # a command line
start() { (cd /var/lib/tidemill && umask 077 && exec setpriv --reuid tidemill --regid tidemill \
    --clear-groups --no-new-privs $command >>/tmp/job.log 2>&1) & }
data=(--data-dir /var/lib/tidemill/words)

start
await as tidemill status "${data[@]}"
printf 'mill tide mill\n' | as tidemill send --session a "$port" >/dev/null
await sh -c "setpriv --reuid tidemill --regid tidemill --clear-groups tidemill status --json \
    ${data[*]} | grep -q '\"records\":1,'"
pkill -9 -x tidemill
wait || true
start
await as tidemill checkpoint now "${data[@]}"
printf 'mill tide mill\ntide\n' | as tidemill send --session a "$port" >/dev/null
is "$(as tidemill stop "${data[@]}" | cut -d: -f1)" "stopped"
is "$(as tidemill state export totals "${data[@]}" 2>/dev/null | tr '\t\n' '  ')" "mill 2 tide 2 "

# The manual has a page for each command, and bash completes them.
for page in /usr/share/man/man1/tidemill*.1*; do [[ -s $page ]] || fail "$page is empty"; done
for page in tidemill tidemill-run tidemill-status tidemill-checkpoint-now tidemill-state-export; do
    ls /usr/share/man/man1/$page.1* >/dev/null || fail "no manual page $page"
done
completed() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _tidemill
    echo "${COMPREPLY[*]}"
}
# shellcheck disable=SC1091  # of the package
source /usr/share/bash-completion/completions/tidemill
is "$(completed tidemill stat)" "status state"
is "$(completed tidemill state ex)" "export"
is "$(completed tidemill checkpoint now --j)" "--json"
is "$(completed tidemill run /etc/tidemill/w)" "/etc/tidemill/words.toml"
# fish and zsh do too, where they are.
[[ -s /usr/share/fish/vendor_completions.d/tidemill.fish ]] || fail "no completion for fish"
if command -v fish >/dev/null; then
    is "$(fish -c 'complete -C "tidemill state ex"' | cut -f1)" "export"
    is "$(fish -c 'complete -C "tidemill checkpoint now --j"' | cut -f1)" "--json"
fi
[[ -s /usr/share/zsh/vendor-completions/_tidemill ]] || fail "no completion for zsh"
if command -v zsh >/dev/null; then
    zsh -n /usr/share/zsh/vendor-completions/_tidemill || fail "zsh does not read its completion"
fi

# Removed, it leaves what is the user's.
dpkg -r tidemill >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; exit 1; }
[[ ! -e /usr/bin/tidemill ]] || fail "the program is still there"
[[ -e /var/lib/tidemill/words/FORMAT ]] || fail "the job's data is gone"
echo "the package works"
