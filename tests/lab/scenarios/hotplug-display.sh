# SPDX-License-Identifier: GPL-2.0-or-later
#
# A display and a memory backend come and go: 16 MiB of video memory, which the
# guest moves to a BAR, and 2 MiB of a backend.
# timeout: 300
# needs: qemu xendm-memoryd

memoryd_start
guest_new display
guest_linux display
guest_start display
guest_wait_linux display
id=$(domid_of display)
pages=$(pages_of "$id")

guest_plug display 10 screen secondary-vga
at_screen=$(pages_of "$id")
assert_at_least "pages more" 4096 $((at_screen - pages))
assert_identities display
guest_monitor display "object_add memory-backend-ram,id=backend,size=2M"
assert_equal "pages more with the backend" 512 \
    $(($(pages_of "$id") - at_screen))
assert_identities display
guest_monitor display "object_del backend"
wait_for_pages display "$at_screen"
guest_unplug display screen
wait_for_pages display "$pages"
assert_identities display
