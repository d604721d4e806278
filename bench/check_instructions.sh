#!/usr/bin/env bash
# check_instructions.sh PROGRAM [--update]: counts the instructions of the small jobs of
# bench/instructions.cc under valgrind and compares them with instructions.baseline. More than the
# tolerance above it fails; --update writes what was counted into the baseline. Exit code 77: cannot
# be told here.
#
# The counts are those of the release build by the packaged g++ for processors with AVX2, which is
# as far as valgrind goes: AVX-512 is never chosen under it.
set -euo pipefail
tolerance_percent=5
program=$1
baseline=$(dirname "$0")/instructions.baseline

command -v valgrind >/dev/null || { echo "valgrind is not installed: tools/setup_packages"; exit 77; }
grep -q ' avx2 ' /proc/cpuinfo || { echo "this processor has no AVX2, the baseline's has"; exit 77; }

failed=no
counted=()
while read -r name expected; do
    log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --instr-atstart=no \
        "$program" "$name" 2>&1)
    count=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' <<<"$log")
    [[ -n $count && $count -gt 0 ]] || { echo "$name: nothing was counted:"; echo "$log"; exit 1; }
    counted+=("$name $count")
    change=$(awk -v a="$count" -v b="$expected" 'BEGIN { printf "%+.1f", 100 * (a - b) / b }')
    verdict=fine
    if awk -v c="$change" -v t="$tolerance_percent" 'BEGIN { exit !(c > t) }'; then
        verdict="MORE than $tolerance_percent % above"
        failed=yes
    elif awk -v c="$change" -v t="$tolerance_percent" 'BEGIN { exit !(c < -t) }'; then
        verdict="fewer: lower the baseline with --update"
    fi
    printf '%-18s %12d  baseline %12d  %6s %%  %s\n' "$name" "$count" "$expected" "$change" "$verdict"
done <"$baseline"

if [[ ${2:-} == --update ]]; then
    printf '%s\n' "${counted[@]}" >"$baseline"
    echo "wrote $baseline"
elif [[ $failed == yes ]]; then
    echo "When more instructions are right, say why in the commit and run" \
        "bench/check_instructions.sh build/release/bin/instructions --update"
    exit 1
fi
