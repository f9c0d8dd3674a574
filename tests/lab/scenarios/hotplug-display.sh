# SPDX-License-Identifier: GPL-2.0-or-later
#
# A display and a memory backend come and go: 16 MiB of video memory and 2 MiB
# of a backend.  Beside a VGA, the VGA stays the display whose memory is at its
# BAR; without one, the new display's memory goes there, and comes back before
# it goes.  QEMU 10.0 hot-plugs neither a virtio-vga nor a virtio-gpu-pci: that
# is its own error, and nothing changes.
# timeout: 400
# needs: qemu xendm-memoryd
SCREEN_PAGES=4096

# shows NAME: the device model draws its first display, and lives.
shows()
{
    rm -f screen.ppm
    guest_qmp "$1" screendump "{\"filename\": \"$PWD/screen.ppm\"}" > /dev/null
    assert_equal "the picture begins with" P6 "$(head -c 2 screen.ppm)"
}

# draws NAME SLOT: the guest sets the VGA there to 640 x 480 of 32 bits, by the
# registers in its BAR 2, and so makes the device model follow its memory.
draws()
{
    registers=$(guest_bar "$1" "$2" 2)
    # The attribute controller's index comes next; then: show something.
    guest_run "$1" "devmem $((registers + 0x41a)) 8" > /dev/null
    guest_run "$1" "devmem $((registers + 0x400)) 8 0x20"
    # xres, yres, bpp, enable
    for pair in 1=640 2=480 3=32 4=0x41; do
        guest_run "$1" "devmem $((registers + 0x500 + 2 * ${pair%=*})) 16 \
${pair#*=}"
    done
}

# is_at WHAT VALUE GFN
is_at()
{
    assert_equal "$1" "$2" "$(lab-domain word "$id" "$3")"
}

is_nowhere()
{
    assert_fails "$1" lab-domain word "$id" "$2"
}

starts()
{
    guest_new "$1"
    guest_linux "$1"
    guest_with_qmp "$1"
    [ "$2" = vga ] || guest_set "$1" vga '"none"'
    guest_start "$1"
    guest_wait_linux "$1"
    id=$(domid_of "$1")
    pages=$(pages_of "$id")
}

memoryd_start

say "beside a VGA"
starts beside vga
for driver in virtio-vga virtio-gpu-pci VGA; do
    guest_monitor beside "device_add $driver,id=refused" > refused.txt 2>&1 ||
        :
    assert_contains "device_add $driver" \
        "Device '$driver' does not support hotplugging" refused.txt
    model_lacks beside refused || fail "there is a $driver all the same"
    assert_equal "pages" "$pages" "$(pages_of "$id")"
    assert_equal "the guest's answer" alive "$(guest_run beside 'echo alive')"
done
assert_identities beside

vga=$(guest_run beside 'grep -l 0x030000 /sys/bus/pci/devices/*/class' |
    sed -n 's/.*0000:00:\(..\)\.0.*/\1/p')
draws beside "$vga"
shows beside
guest_plug beside 10 screen secondary-vga
at_screen=$(pages_of "$id")
assert_equal "pages more" "$SCREEN_PAGES" $((at_screen - pages))
assert_identities beside
shows beside
bar=$(guest_bar beside 10 0)
guest_poke beside "$bar" 0x11111111
assert_equal "the new display's memory" 0x11111111 \
    "$(guest_peek beside "$bar")"
is_nowhere "a page of the guest at its BAR" $((bar >> 12))
is_at "its memory's page" 0x11111111 "$(block_gfn beside screen/vga.vram)"
bar_vga=$(guest_bar beside "$vga" 0)
guest_poke beside "$bar_vga" 0x22222222
is_at "the page at the VGA's BAR" 0x22222222 $((bar_vga >> 12))
shows beside

guest_monitor beside "object_add memory-backend-ram,id=backend,size=2M"
assert_equal "pages more with the backend" 512 \
    $(($(pages_of "$id") - at_screen))
assert_identities beside
guest_monitor beside "object_del backend"
wait_for_pages beside "$at_screen"
guest_unplug beside screen
wait_for_pages beside "$pages"
assert_identities beside
shows beside
is_at "the page at the VGA's BAR" 0x22222222 $((bar_vga >> 12))
assert_equal "the guest's answer" alive "$(guest_run beside 'echo alive')"
guest_destroy beside

say "without a VGA"
starts alone none
for round in 1 2; do
    guest_plug alone 10 screen secondary-vga
    gfn=$(block_gfn alone screen/vga.vram)
    assert_equal "pages more" "$SCREEN_PAGES" $(($(pages_of "$id") - pages))
    lab-domain word "$id" "$gfn" > /dev/null ||
        fail "no page where its memory was populated"
    bar=$(guest_bar alone 10 0)
    guest_poke alone "$bar" "0x$round$round$round$round$round$round$round$round"
    is_at "the page at its BAR" \
        "0x$round$round$round$round$round$round$round$round" $((bar >> 12))
    is_nowhere "a page where its memory was" "$gfn"
    assert_equal "pages more" "$SCREEN_PAGES" $(($(pages_of "$id") - pages))
    assert_identities alone
    shows alone
    guest_unplug alone screen
    wait_for_pages alone "$pages"
    is_nowhere "a page at its BAR" $((bar >> 12))
    assert_identities alone
done
assert_lacks "the device model's log" 'does not take back' "$(guest_log alone)"
