# SPDX-License-Identifier: GPL-2.0-or-later
# Saying, asserting, waiting, cleaning up.

# Seconds; looking has a price on the one processor of the lab.
POLL=0.2

# say TEXT: shown on the host's screen at once.
say()
{
    printf '# %s\n' "$*"
}

# fail TEXT: ends the scenario as a failure.
fail()
{
    printf 'FAILED: %s\n' "$*"
    exit 1
}

# assert_equal WHAT EXPECTED ACTUAL
assert_equal()
{
    [ "$2" = "$3" ] || fail "$1: expected '$2', is '$3'"
    printf 'checked: %s: %s\n' "$1" "$3"
}

# assert_at_most WHAT LIMIT ACTUAL (whole numbers)
assert_at_most()
{
    [ "$3" -le "$2" ] || fail "$1: expected at most $2, is $3"
    printf 'checked: %s: %s, at most %s\n' "$1" "$3" "$2"
}

# assert_at_least WHAT LIMIT ACTUAL (whole numbers)
assert_at_least()
{
    [ "$3" -ge "$2" ] || fail "$1: expected at least $2, is $3"
    printf 'checked: %s: %s, at least %s\n' "$1" "$3" "$2"
}

# assert_contains WHAT TEXT FILE: a line of the file has the text in it.
assert_contains()
{
    if ! grep -qF -e "$2" "$3"; then
        sed 's/^/  /' "$3"
        fail "$1: expected the text '$2' in the lines above"
    fi
    printf 'checked: %s: has "%s"\n' "$1" "$2"
}

# assert_lacks WHAT TEXT FILE: no line of the file has the text in it.
assert_lacks()
{
    if grep -F -e "$2" "$3"; then
        fail "$1: expected no '$2', but see above"
    fi
    printf 'checked: %s: lacks "%s"\n' "$1" "$2"
}

# assert_fails WHAT COMMAND...: the command has to end with an error.
assert_fails()
{
    what=$1
    shift
    if "$@"; then
        fail "$what: expected an error, but it succeeded: $*"
    fi
    printf 'checked: %s: failed as it should\n' "$what"
}

# wait_until SECONDS WHAT COMMAND...: polls until the command succeeds.
wait_until()
{
    wait_seconds=$1
    wait_what=$2
    shift 2
    becomes_true "$wait_seconds" "$@" ||
        fail "$wait_what: not within $wait_seconds s"
}

# becomes_true SECONDS COMMAND...: the same, as a question.
becomes_true()
{
    wait_deadline=$(($(now_ms) + $1 * 1000))
    shift
    while ! "$@" > /dev/null 2>&1; do
        [ "$(now_ms)" -lt "$wait_deadline" ] || return 1
        sleep "$POLL"
    done
}

# median FILE: of the whole numbers in a file, one a line.
median()
{
    sort -n "$1" | awk '{ v[NR] = $1 } END {
        printf "%d\n", (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'
}

# ratio A B: A divided by B, with three digits behind the point.
ratio()
{
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'
}

# assert_ratio WHAT LIMIT RATIO
assert_ratio()
{
    awk -v l="$2" -v r="$3" 'BEGIN { exit !(r <= l) }' ||
        fail "$1: expected at most $2, is $3"
    printf 'checked: %s: %s, at most %s\n' "$1" "$3" "$2"
}

# now_ms: milliseconds since dom0 came up.
now_ms()
{
    read -r up _ < /proc/uptime
    printf '%s0\n' "${up%.*}${up#*.}"
}

# at_end COMMAND...: a command (words without spaces) to run when the scenario
# is over, whatever its result; the last one given is run first.
AT_END=
at_end()
{
    AT_END="$* ; $AT_END"
}

# For dom0/scenario: runs what at_end has noted.
scenario_end()
{
    status=$1
    set +e
    trap - EXIT
    eval "$AT_END"
    exit "$status"
}
