# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device model and the client show the same numbers as Xen; "xendm-memory
# watch" tells what happens to a guest, and "xendm-memory check" says so when a
# number is wrong.
# timeout: 150
# needs: qemu xendm-memoryd xendm-memory

NEED=$((2 * 256 + 64)) # KiB
BACKEND_PAGES=256

# watched TEXT: a line of watch ends with it.
watched()
{
    grep -q "$1\$" watch.txt
}

# check_is STATUS TEXT
check_is()
{
    check_status=0
    xendm-memory check > check.txt || check_status=$?
    assert_equal "status of check" "$1" "$check_status"
    assert_contains "what check says" "$2" check.txt
}

has_need()
{
    [ "$(grant_of seen)" = "$NEED" ]
}

# client EXPRESSION: of the guest as the client shows it, in Python.
client()
{
    xendm-memory --json show seen | python3 -c \
        "import json, sys; seen = json.load(sys.stdin); print($1)"
}

# same_numbers: those of Xen and libxl, the device model's and the client's.
same_numbers()
{
    assert_identities seen
    assert_equal "credit-kib" "$(node "/local/domain/$id/memory/videoram")" \
        "$(guest_property seen credit-kib)"
    assert_equal "max_pages that the client shows" "$(limit_of "$id")" \
        "$(client 'seen["max_pages"]')"
    assert_equal "base_pages" "$(libxl_limit seen)" \
        "$(client 'seen["base_pages"]')"
    assert_equal "used_pages" "$(pages_of "$id")" \
        "$(client 'seen["used_pages"]')"
    assert_equal "granted_kib" "$(guest_property seen granted-kib)" \
        "$(client 'seen["granted_kib"]')"
    assert_equal "pages of its blocks" \
        "$(guest_property seen populated-pages)" \
        "$(client 'sum(b["pages"] for b in seen["blocks"])')"
    xendm-memory --pages list > list.txt
    assert_equal "base, grant, cap and use, in pages" \
        "$(libxl_limit seen) $((NEED / 4 + $1)) 16384 $(pages_of "$id")" \
        "$(awk '$2 == "seen" { print $3, $4, $5, $6 }' list.txt)"
}

memoryd_start
xendm-memory watch > watch.txt &
watch=$!
xendm-memory watch --json > watch.json &
watch_json=$!
sleep 1
check_is 0 '0 guests: all is well'
guest_new seen
guest_nics seen e1000 2
guest_start seen
guest_wait_hvmloader seen
id=$(domid_of seen)
check_is 0 '1 guests: all is well'
for text in appeared "request [0-9]* $NEED" \
    "answer [0-9]* granted $NEED 65536" \
    "grant $NEED KiB, limit $(limit_of "$id") pages" 'cap 65536' \
    'block 0: .*'; do
    wait_until 5 "line '$text' of watch" \
        watched "domain $id \"seen\" $text"
done

say "the same numbers everywhere, while a backend comes and goes"
same_numbers 0
populated=$(guest_property seen populated-pages)
pages=$(pages_of "$id")
guest_monitor seen "object_add memory-backend-ram,id=backend,size=1M"
assert_equal "pages more that Xen has given" "$BACKEND_PAGES" \
    $(($(pages_of "$id") - pages))
assert_equal "populated-pages more" "$BACKEND_PAGES" \
    $(($(guest_property seen populated-pages) - populated))
same_numbers "$BACKEND_PAGES"
guest_monitor seen "object_del backend"
wait_for_pages seen "$pages"
wait_until 10 "a grant as before" has_need
same_numbers 0

say "numbers that are wrong"
record=$(node "/libxl/$id/device-memory/record")
limit=$(limit_of "$id")
xenstore-write "/libxl/$id/device-memory/record" \
    "$NEED $((limit + 1)) $NEED $((limit + 1))"
check_is 3 "domain $id \"seen\": limit: max_pages is $limit, but the record"
xenstore-write "/libxl/$id/device-memory/record" \
    "$((NEED + 1024)) $limit $((NEED + 1024)) $limit"
check_is 3 "domain $id \"seen\": base: max_pages is $limit, and"
xenstore-write "/libxl/$id/device-memory/record" nonsense
check_is 3 "domain $id \"seen\": record: the record \"nonsense\" cannot be read"
xenstore-write "/libxl/$id/device-memory/record" "$record"
check_is 0 '1 guests: all is well'
block=/local/domain/0/device-model/$id/device-memory/blocks/0
value=$(node "$block")
xenstore-write "$block" "1 ${value#* }"
check_is 3 "domain $id \"seen\": blocks: the grant is $NEED KiB beyond"
xenstore-write "$block" "$value"
check_is 0 '1 guests: all is well'

guest_destroy seen
wait_until 5 "line 'gone' of watch" watched "domain $id \"seen\" gone"
kill "$watch" "$watch_json"
python3 - << EOF_PYTHON
import json
events = [json.loads(line) for line in open("watch.json")]
assert events[0]["event"] == "appeared", events[0]
assert events[-1]["event"] == "gone" and events[-1]["domid"] == $id
assert any(e["event"] == "request" and e["value"].endswith(" $NEED")
           for e in events)
print("checked: JSON lines of watch:", len(events))
EOF_PYTHON
