# SPDX-License-Identifier: GPL-2.0-or-later
#
# A stub domain that libxl itself makes asks for its guest, and is granted what
# it asks for; for another guest it cannot even write a request.
# (There is no QEMU in it: the small Linux writes what QEMU would.)
# timeout: 120
# needs: qemu qemu-stock xendm-memoryd xendm-memory

# stub_puts PATH VALUE: below its own node in xenstore; the reply is in
# reply.txt.
stub_puts()
{
    guest_run served "put-node $1 '$2'" > reply.txt
}

answered()
{
    [ "$(node "$model/device-memory/answer")" = "$1" ]
}

# stub_asks REQUEST ANSWER
stub_asks()
{
    stub_puts "device-model/$served/device-memory/request" "$1"
    assert_contains "xenstored's reply to the stub domain" OK reply.txt
    wait_until 10 "the answer '$2'" answered "$2"
}

# stub_has PAGES: that many beyond the video memory.
stub_has()
{
    video=$(node "/local/domain/$served/memory/videoram")
    stub_puts "device-model/$served/device-memory/blocks/0" \
        "$((video / KIB_PER_PAGE + $1)) populated everything"
}

# watched TEXT: what watch tells of the guest.
watched()
{
    wait_until 5 "line '$1' of watch" \
        grep -q "domain $served \"served\" $1\$" watch.txt
}

memoryd_start
xendm-memory watch > watch.txt &
watch=$!
guest_new other stock
guest_start other -p
other=$(domid_of other)
guest_new served
guest_set served device_model_stubdomain_override 1
guest_set served stubdomain_kernel '"/lab/guest/vmlinuz"'
guest_set served stubdomain_ramdisk '"/lab/guest/ramdisk"'
guest_set served stubdomain_memory 128
# Of its consoles, the fourth is what the guest's serial port is connected to.
guest_set served stubdomain_cmdline '"quiet panic=1 lab.console=hvc3"'
# QEMU in domain 0 serves them.  One has no file, and gets a serial port, or
# Linux would wait for it for longer than libxl waits for Linux.
guest_set served device_model_args_pv \
    '[ "-serial", "null", "-serial", "null", "-serial", "null" ]'

guest_try_start served -p &
creating=$!
wait_until 60 "the stub domain" domid_of served-dm
served=$(domid_of served)
stub=$(domid_of served-dm)
# What QEMU would say at last; libxl waits for half a minute, in which Linux may
# not be up on a busy host.
model=/local/domain/$stub/device-model/$served
wait_until 60 "the stub domain's place" node "$model"
xenstore-write "$model/state" running
guest_wait_linux served
wait "$creating" || fail "$(cat "$(guest_output served)")"
assert_equal "the guest's device-model domain, as libxl notes it" "$stub" \
    "$(node "/local/domain/$served/image/device-model-domid")"
assert_equal "the stub domain's target" "$served" \
    "$(node "/local/domain/$stub/target")"
limit=$(limit_of "$served")
stub_asks '7 1024' '7 granted 1024 65536'
assert_equal "max_pages of the guest" $((limit + 256)) "$(limit_of "$served")"
watched 'request 7 1024'
watched 'answer 7 granted 1024 65536'
stub_asks '8 66000' '8 refused 1024 65536 65536 cap'
stub_puts "device-model/$other/device-memory/request" '9 1024'
assert_lacks "xenstored's reply to the stub domain" OK reply.txt
assert_equal "grant, KiB" 1024 "$(grant_of served)"
assert_equal "max_pages of the guest" $((limit + 256)) "$(limit_of "$served")"
xendm-memory list > list.txt
assert_contains "what the client lists" served list.txt
# What QEMU would say that the grant is for, and the video memory.
stub_has 256
watched 'block 0: .* everything'
xendm-memory check > check.txt || fail "$(cat check.txt)"
stub_has 255
assert_equal "status of check for too few blocks" 3 \
    "$(xendm-memory check > check.txt; echo $?)"
assert_contains "what check says" \
    "served\": blocks: the grant is 1024 KiB beyond video memory" check.txt
stub_asks '10 0' '10 granted 0 65536'
assert_equal "max_pages of the guest" "$limit" "$(limit_of "$served")"

kill "$watch"
guest_destroy served
for domid in "$served" "$stub"; do
    assert_nothing_left "$domid"
done
