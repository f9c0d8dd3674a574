# SPDX-License-Identifier: GPL-2.0-or-later
# The memory daemon of the toolstack, its policy and its client.

MEMORYD_ANNOUNCEMENT=/tool/device-memory/version
# How long starting and stopping may take, seconds.
MEMORYD_PATIENCE=10

memoryd_log()
{
    printf '%s/memoryd.log\n' "$LAB_STATE"
}

# memoryd_policy LINE...: the policy file's lines; replaces what was there.
memoryd_policy()
{
    printf '%s\n' "$@" > "$LAB_STATE/memoryd.conf"
}

# memoryd_start: it has announced itself when this returns.
memoryd_start()
{
    [ -f "$LAB_STATE/memoryd.conf" ] || memoryd_policy '[defaults]'
    at_end memoryd_end
    memoryd_launch
    wait_until "$MEMORYD_PATIENCE" "announcement of the daemon" \
        memoryd_says 'answers requests' "$memoryd_lines"
    node "$MEMORYD_ANNOUNCEMENT" > /dev/null ||
        fail "the daemon runs, but $MEMORYD_ANNOUNCEMENT does not exist"
}

# memoryd_launch: starts it and does not wait.
memoryd_launch()
{
    touch "$(memoryd_log)"
    memoryd_lines=$(wc -l < "$(memoryd_log)")
    xendm-memoryd --foreground --config "$LAB_STATE/memoryd.conf" \
        >> "$(memoryd_log)" 2>&1 &
    memoryd_pid=$!
}

# memoryd_says TEXT [AFTER]: the log has the text, behind its first AFTER lines.
memoryd_says()
{
    tail -n "+$((${2:-0} + 1))" "$(memoryd_log)" | grep -qF -e "$1"
}

# memoryd_reload: the policy has been read again when this returns.
memoryd_reload()
{
    memoryd_lines=$(wc -l < "$(memoryd_log)")
    kill -HUP "$memoryd_pid"
    wait_until "$MEMORYD_PATIENCE" "new policy" \
        memoryd_says 'the policy was read again' "$memoryd_lines"
}

# memoryd_stop: an orderly end, which withdraws the announcement.
memoryd_stop()
{
    kill -TERM "$memoryd_pid"
    memoryd_wait
    if node "$MEMORYD_ANNOUNCEMENT" > /dev/null; then
        fail "the daemon has stopped, but $MEMORYD_ANNOUNCEMENT still exists"
    fi
}

# memoryd_kill: a crash; the announcement stays.
memoryd_kill()
{
    kill -KILL "$memoryd_pid"
    memoryd_wait
}

# memoryd_freeze, memoryd_thaw: it neither reads nor answers in between.
memoryd_freeze()
{
    kill -STOP "$memoryd_pid"
}

memoryd_thaw()
{
    kill -CONT "$memoryd_pid"
}

memoryd_wait()
{
    wait "$memoryd_pid" 2> /dev/null || :
    memoryd_pid=
}

# For at_end: leaves nothing, whatever state the daemon is in.
memoryd_end()
{
    if [ -n "${memoryd_pid:-}" ]; then
        kill -CONT "$memoryd_pid" 2> /dev/null
        kill -TERM "$memoryd_pid" 2> /dev/null
        memoryd_wait
    fi
    xendm-memoryd --withdraw
}
