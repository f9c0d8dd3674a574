# SPDX-License-Identifier: GPL-2.0-or-later
# Saving, restoring and migrating guests; the destination is this host.

# guest_save NAME: the guest is gone and in the file of guest_image NAME.
guest_save()
{
    rm -f "$(guest_image "$1")"
    xl save "$1" "$(guest_image "$1")" > "$(guest_output "$1")" 2>&1 || {
        sed 's/^/  xl: /' "$(guest_output "$1")"
        fail "guest $1 cannot be saved"
    }
}

guest_image()
{
    printf '%s/image\n' "$(guest_dir "$1")"
}

# guest_try_restore NAME: the status of "xl restore".
guest_try_restore()
{
    xl restore "$(guest_image "$1")" > "$(guest_output "$1")" 2>&1
}

# guest_restore NAME: has to work.
guest_restore()
{
    if ! guest_try_restore "$1"; then
        sed 's/^/  xl: /' "$(guest_output "$1")"
        sed 's/^/  device model: /' "$(guest_log "$1")" || :
        fail "guest $1 cannot be restored"
    fi
}

# guest_try_migrate NAME: the status of "xl migrate".  With an empty command
# for ssh, xl runs what stands in place of the host.
guest_try_migrate()
{
    xl migrate -s '' "$1" 'xl migrate-receive' > "$(guest_output "$1")" 2>&1
}

# guest_migrate NAME: has to work.
guest_migrate()
{
    if ! guest_try_migrate "$1"; then
        sed 's/^/  xl: /' "$(guest_output "$1")"
        fail "guest $1 cannot be migrated"
    fi
}

# no_provisional_grant NAME: what the guest has been granted was asked for.
no_provisional_grant()
{
    ! node "/libxl/$(domid_of "$1")/device-memory/provisional"
}

# guest_move NAME HOW: to a new domain, by save-restore or migrate.  Of the old
# one nothing is left, and the new one has asked for what it has.
guest_move()
{
    move_from=$(domid_of "$1")
    case $2 in
    save-restore) guest_save "$1" ;;
    migrate) guest_migrate "$1" ;;
    *) fail "guest_move: '$2'; allowed are save-restore and migrate" ;;
    esac
    wait_until 10 "end of domain $move_from" no_domain "$move_from"
    assert_nothing_left "$move_from"
    if [ "$2" = save-restore ]; then
        guest_restore "$1"
    fi
    wait_until 10 "the device model's own request" no_provisional_grant "$1"
    assert_identities "$1"
}
