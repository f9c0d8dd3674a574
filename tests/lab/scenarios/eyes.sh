# SPDX-License-Identifier: GPL-2.0-or-later
#
# "xendm-memory watch" tells what happens to a guest, and "xendm-memory check"
# says so when a number is wrong.
# timeout: 150
# needs: qemu xendm-memoryd xendm-memory

NEED=$((2 * 256 + 64)) # KiB

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
