/*
 * PV IOMMU: runs of frames that stand for runs of frames
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "extents.h"

/*
 * A record, from the top: from 40, to 40, owner 12 (these are the key),
 * pages - 1 12, uses 20, state 2, access 2 bits.
 */
#define FRAME_BITS      40
#define TO_LO_BITS      16
#define OWNER_SHIFT     36
#define PAGES_SHIFT     24
#define USES_SHIFT      4
#define STATE_SHIFT     2

static inline Record extent_key(uint64_t from, uint64_t to, uint16_t owner)
{
    return (Record){
        .hi = from << 24 | to >> TO_LO_BITS,
        .lo = to << (64 - TO_LO_BITS) | (uint64_t)owner << OWNER_SHIFT,
    };
}

/* Not above any record of @frame or what follows, above all before it. */
static inline Record frame_key(uint64_t frame)
{
    return frame >> FRAME_BITS ? (Record){ UINT64_MAX, UINT64_MAX }
                               : extent_key(frame, 0, 0);
}

static inline Record extent_pack(const Extent *extent)
{
    Record record = extent_key(extent->from, extent->to, extent->owner);

    record.lo |= (uint64_t)(extent->pages - 1) << PAGES_SHIFT |
                 (uint64_t)extent->uses << USES_SHIFT |
                 extent->state << STATE_SHIFT | extent->access;
    return record;
}

static inline uint64_t record_from(Record record)
{
    return record.hi >> 24;
}

static inline uint64_t record_to(Record record)
{
    return (record.hi & 0xffffff) << TO_LO_BITS |
           record.lo >> (64 - TO_LO_BITS);
}

static inline uint32_t record_pages(Record record)
{
    return (record.lo >> PAGES_SHIFT & (EXTENT_PAGES - 1)) + 1;
}

static inline uint64_t record_end(Record record)
{
    return record_from(record) + record_pages(record);
}

static inline Extent extent_unpack(Record record)
{
    return (Extent){
        .from = record_from(record),
        .to = record_to(record),
        .pages = record_pages(record),
        .owner = record.lo >> OWNER_SHIFT & 0xfff,
        .uses = record.lo >> USES_SHIFT & 0xfffff,
        .state = record.lo >> STATE_SHIFT & 3,
        .access = record.lo & 3,
    };
}

/* The part of @extent from @from on, of @pages pages. */
static inline Record extent_part(const Extent *extent, uint64_t from,
                                 uint32_t pages)
{
    Extent part = *extent;

    part.from = from;
    part.to += from - extent->from;
    part.pages = pages;
    return extent_pack(&part);
}

/* --- looking --- */

bool extents_find(const RecordTree *tree, RecordCursor *cursor, uint64_t frame,
                  Extent *first)
{
    Record last;

    record_tree_seek(tree, cursor, frame_key(frame + 1));
    last = record_cursor_peek(cursor, -1);
    if (record_is_none(last) || record_end(last) <= frame) {
        return false;
    }
    /* The last of its group; all of them have the same bounds. */
    if (record_from(record_cursor_peek(cursor, -2)) == record_from(last)) {
        record_tree_seek(tree, cursor, frame_key(record_from(last)));
        last = record_cursor_get(cursor);
    } else {
        record_cursor_back(cursor);
    }
    *first = extent_unpack(last);
    return true;
}

static inline bool seek_alone(const RecordTree *tree, RecordCursor *cursor,
                              uint64_t frame, Extent *extent)
{
    Record last;

    record_tree_seek(tree, cursor, frame_key(frame + 1));
    last = record_cursor_peek(cursor, -1);
    if (record_is_none(last) || record_end(last) <= frame ||
        record_from(record_cursor_peek(cursor, -2)) == record_from(last)) {
        return false;
    }
    record_cursor_back(cursor);
    *extent = extent_unpack(last);
    return true;
}

bool extents_seek_alone(const RecordTree *tree, RecordCursor *cursor,
                        uint64_t frame, Extent *extent)
{
    return seek_alone(tree, cursor, frame, extent);
}

bool extents_find_alone(const RecordTree *tree, uint64_t frame, Extent *extent)
{
    Record record;
    Record before;
    bool known = record_tree_last_below(tree, frame_key(frame + 1).hi, &record,
                                        &before);

    *extent = extent_unpack(record);
    return known && !record_is_none(record) && extent_end(extent) > frame &&
           (record_is_none(before) || record_from(before) != extent->from);
}

bool extents_get(const RecordCursor *cursor, Extent *extent)
{
    Record record = record_cursor_get(cursor);

    *extent = extent_unpack(record);
    return !record_is_none(record);
}

/* The extent after the cursor, if it has this key. */
static bool get_exact(const RecordCursor *cursor, Record key, Extent *extent)
{
    Record record = record_cursor_get(cursor);

    *extent = extent_unpack(record);
    record.lo &= EXTENT_LO_KEY_MASK;
    return record.hi == key.hi && record.lo == key.lo;
}

bool extents_member(const RecordTree *tree, RecordCursor *cursor,
                    uint64_t from, uint64_t to, uint16_t owner, Extent *extent)
{
    Record key = extent_key(from, to, owner);

    record_tree_seek(tree, cursor, key);
    return get_exact(cursor, key, extent);
}

bool extents_any_owner(const RecordTree *tree, RecordCursor *cursor,
                       uint64_t from, uint64_t to)
{
    Extent extent;
    uint64_t first;

    if (!extents_find(tree, cursor, from, &extent) ||
        to < from - extent.from) {
        return false;
    }
    first = extent.from;
    to -= from - first;
    extents_member(tree, cursor, first, to, 0, &extent);
    return extents_get(cursor, &extent) && extent.from == first &&
           extent.to == to;
}

/* Is the group that the record at @distance is in this one alone? */
static inline bool is_alone(const RecordCursor *cursor, int distance)
{
    uint64_t from = record_from(record_cursor_peek(cursor, distance));
    Record before = record_cursor_peek(cursor, distance - 1);
    Record after = record_cursor_peek(cursor, distance + 1);

    return (record_is_none(before) || record_from(before) != from) &&
           (record_is_none(after) || record_from(after) != from);
}

/* Does @right go on where @left ends, in all respects? */
static inline bool continues(Record left, Record right)
{
    uint64_t shared = (UINT64_C(1) << (64 - TO_LO_BITS)) - 1;
    uint32_t pages = record_pages(left);

    shared &= ~((uint64_t)(EXTENT_PAGES - 1) << PAGES_SHIFT);
    return record_from(right) == record_from(left) + pages &&
           record_to(right) == record_to(left) + pages &&
           (right.lo & shared) == (left.lo & shared);
}

/* --- cutting and joining --- */

/* Let no group go across @at. */
static void cut(RecordTree *tree, RecordCursor *cursor, uint64_t at)
{
    Extent extent;
    uint64_t from;

    if (!extents_find(tree, cursor, at, &extent) || extent.from == at) {
        return;
    }
    from = extent.from;
    while (extent.from == from) {
        uint32_t pages = at - from;
        Record record = extent_part(&extent, at, extent.pages - pages);
        Record shorter = extent_part(&extent, from, pages);

        record_tree_replace(tree, cursor, shorter);
        record_tree_seek(tree, cursor, record);
        record_tree_insert(tree, cursor, record);
        /* To the next of the group; if none, to one just inserted. */
        shorter.lo |= ~EXTENT_LO_KEY_MASK;
        record_tree_seek(tree, cursor, shorter);
        extents_get(cursor, &extent);
    }
}

/* Of the groups that meet at the cursor: does each extent go on? */
static bool all_continue(const RecordTree *tree, const RecordCursor *cursor)
{
    uint64_t left_from = record_from(record_cursor_peek(cursor, -1));
    uint64_t right_from = record_from(record_cursor_get(cursor));
    RecordCursor left = *cursor;
    RecordCursor right = *cursor;

    record_tree_seek(tree, &left, frame_key(left_from));
    for (;;) {
        Record a = record_cursor_get(&left);
        Record b = record_cursor_get(&right);
        bool more = !record_is_none(b) && record_from(b) == right_from;

        if (record_from(a) != left_from) {
            return !more;
        }
        if (!more || !continues(a, b)) {
            return false;
        }
        record_cursor_next(&left);
        record_cursor_next(&right);
    }
}

/* Make the group that begins at @at part of the one that begins at @from. */
static void merge(RecordTree *tree, RecordCursor *cursor, uint64_t from,
                  uint64_t at)
{
    Extent extent;

    while (extents_find(tree, cursor, at, &extent) && extent.from == at) {
        record_tree_remove(tree, cursor);
        extent.from = from;
        extent.to -= at - from;
        extent.pages += at - from;
        record_tree_seek(tree, cursor,
                         extent_key(from, extent.to, extent.owner));
        record_tree_replace(tree, cursor, extent_pack(&extent));
    }
}

/* Let the groups that meet at @at be one, if they can. */
static void join(RecordTree *tree, RecordCursor *cursor, uint64_t at)
{
    Record left;
    Record right;

    if (at % EXTENT_PAGES == 0) {
        return;
    }
    record_tree_seek(tree, cursor, frame_key(at));
    right = record_cursor_get(cursor);
    left = record_cursor_peek(cursor, -1);
    if (!record_is_none(left) && !record_is_none(right) &&
        record_from(right) == at && record_end(left) == at &&
        all_continue(tree, cursor)) {
        merge(tree, cursor, record_from(left), at);
    }
}

/* Join wherever groups meet from @at to @end. */
static void join_all(RecordTree *tree, RecordCursor *cursor, uint64_t at,
                     uint64_t end)
{
    while (at < end) {
        Extent next;

        join(tree, cursor, at);
        record_tree_seek(tree, cursor, frame_key(at + 1));
        at = extents_get(cursor, &next) ? MIN(next.from, end) : end;
    }
    join(tree, cursor, end);
}

/* --- entering --- */

void extents_fill(RecordTree *tree, RecordCursor *cursor, const Extent *extent)
{
    Record record = extent_pack(extent);
    Record left = record_cursor_peek(cursor, -1);
    Record right = record_cursor_get(cursor);
    bool joins_left = extent->from % EXTENT_PAGES != 0 &&
                      !record_is_none(left) && continues(left, record) &&
                      is_alone(cursor, -1);
    bool joins_right = extent_end(extent) % EXTENT_PAGES != 0 &&
                       !record_is_none(right) && continues(record, right) &&
                       is_alone(cursor, 0);
    Extent whole = *extent;

    if (joins_left) {
        whole = extent_unpack(left);
        whole.pages += extent->pages;
    }
    if (joins_right) {
        whole.pages += record_pages(right);
    }
    if (joins_left && joins_right) {
        record_tree_remove(tree, cursor);
    }
    if (joins_left && joins_right) {
        record_tree_seek(tree, cursor, left);
    } else if (joins_left) {
        record_cursor_back(cursor);
    }
    if (joins_left || joins_right) {
        record_tree_replace(tree, cursor, extent_pack(&whole));
    } else {
        record_tree_insert(tree, cursor, record);
    }
}

/* To the next multiple of EXTENT_PAGES, or to @end. */
static uint64_t piece_end(uint64_t from, uint64_t end)
{
    return MIN(end, (from / EXTENT_PAGES + 1) * EXTENT_PAGES);
}

/* Enter the part of @extent that ends where a group or a gap ends. */
static uint64_t put_piece(RecordTree *tree, RecordCursor *cursor,
                          const Extent *extent, uint64_t at, uint64_t end)
{
    Extent part = *extent;
    Extent group;

    part.from = at;
    part.to += at - extent->from;
    if (extents_find(tree, cursor, at, &group)) {
        part.pages = group.pages;
        record_tree_seek(tree, cursor, extent_pack(&part));
        record_tree_insert(tree, cursor, extent_pack(&part));
    } else {
        end = piece_end(at, end);
        if (extents_get(cursor, &group)) {
            end = MIN(end, group.from);
        }
        part.pages = end - at;
        extents_fill(tree, cursor, &part);
    }
    return extent_end(&part);
}

void extents_put(RecordTree *tree, RecordCursor *cursor, const Extent *extent,
                 uint64_t pages)
{
    uint64_t at = extent->from;
    uint64_t end = at + pages;

    cut(tree, cursor, at);
    cut(tree, cursor, end);
    while (at < end) {
        at = put_piece(tree, cursor, extent, at, end);
    }
    join_all(tree, cursor, extent->from, end);
}

/* --- removing --- */

/* Remove the middle of an extent that is alone in its group. */
static void take_middle(RecordTree *tree, RecordCursor *cursor,
                        const Extent *whole, uint64_t from, uint64_t end)
{
    uint32_t before = from - whole->from;
    Record after = extent_part(whole, end, extent_end(whole) - end);

    record_tree_replace(tree, cursor, extent_part(whole, whole->from, before));
    record_tree_seek(tree, cursor, after);
    record_tree_insert(tree, cursor, after);
}

bool extents_take(RecordTree *tree, RecordCursor *cursor,
                  const Extent *extent, uint64_t pages)
{
    uint64_t from = extent->from;
    uint64_t end = from + pages;
    Extent whole;
    uint64_t whole_end;

    if (!seek_alone(tree, cursor, from, &whole)) {
        return false;
    }
    whole_end = extent_end(&whole);
    if (whole_end < end || whole.owner != extent->owner ||
        whole.uses != extent->uses ||
        whole.to + (from - whole.from) != extent->to) {
        return false;
    }
    if (whole.from == from && whole_end == end) {
        record_tree_remove(tree, cursor);
    } else if (whole.from == from) {
        record_tree_replace(tree, cursor,
                            extent_part(&whole, end, whole_end - end));
    } else if (whole_end == end) {
        record_tree_replace(tree, cursor,
                            extent_part(&whole, whole.from,
                                        from - whole.from));
    } else {
        take_middle(tree, cursor, &whole, from, end);
    }
    return true;
}

void extents_remove(RecordTree *tree, RecordCursor *cursor,
                    const Extent *extent, uint64_t pages)
{
    uint64_t at = extent->from;
    uint64_t end = at + pages;

    cut(tree, cursor, at);
    cut(tree, cursor, end);
    while (at < end) {
        Extent member;

        extents_member(tree, cursor, at, extent->to + (at - extent->from),
                       extent->owner, &member);
        record_tree_remove(tree, cursor);
        at = extent_end(&member);
    }
    join_all(tree, cursor, extent->from, end);
}

/* --- changing --- */

void extents_change(RecordTree *tree, RecordCursor *cursor,
                    const Extent *extent)
{
    Record before = record_cursor_peek(cursor, -1);
    Record after = record_cursor_peek(cursor, 1);

    record_tree_replace(tree, cursor, extent_pack(extent));
    if (!record_is_none(after) &&
        record_from(after) == extent_end(extent)) {
        join(tree, cursor, extent_end(extent));
    }
    if (!record_is_none(before) && record_end(before) == extent->from) {
        join(tree, cursor, extent->from);
    }
}

void extents_count(RecordTree *tree, RecordCursor *cursor,
                   const Extent *extent, int difference)
{
    uint64_t end = extent_end(extent);
    Extent member;

    cut(tree, cursor, extent->from);
    cut(tree, cursor, end);
    extents_member(tree, cursor, extent->from, extent->to, extent->owner,
                   &member);
    member.uses += difference;
    record_tree_replace(tree, cursor, extent_pack(&member));
    join(tree, cursor, extent->from);
    join(tree, cursor, end);
}

uint64_t extents_set_state(RecordTree *tree, RecordCursor *cursor,
                           uint64_t from, uint64_t pages, uint8_t state,
                           uint8_t keep)
{
    uint64_t end = from + pages;
    uint64_t counted = from;
    uint64_t changed = 0;
    Extent extent;

    cut(tree, cursor, from);
    cut(tree, cursor, end);
    record_tree_seek(tree, cursor, frame_key(from));
    while (extents_get(cursor, &extent) && extent.from < end) {
        if (extent.state != state && extent.state != keep) {
            extent.state = state;
            record_tree_replace(tree, cursor, extent_pack(&extent));
            if (extent_end(&extent) > counted) {
                changed += extent.pages;
                counted = extent_end(&extent);
            }
        }
        record_cursor_next(cursor);
    }
    join_all(tree, cursor, from, end);
    return changed;
}

/* --- soundness --- */

static char *check_pair(Record before, Record record)
{
    if (record_from(before) == record_from(record)) {
        if (record_pages(before) != record_pages(record) ||
            (before.lo & 0xf) != (record.lo & 0xf)) {
            return g_strdup_printf("frame 0x%" G_GINT64_MODIFIER "x: unlike "
                                   "extents in one group",
                                   record_from(record));
        }
    } else if (record_end(before) > record_from(record)) {
        return g_strdup_printf("frame 0x%" G_GINT64_MODIFIER "x is in two "
                               "groups", record_from(record));
    }
    return NULL;
}

static char *check_record(const RecordTree *tree, const RecordCursor *cursor)
{
    Record before = record_cursor_peek(cursor, -1);
    Record record = record_cursor_get(cursor);
    uint64_t from = record_from(record);

    if (!extents_within(from, record_pages(record))) {
        return g_strdup_printf("frame 0x%" G_GINT64_MODIFIER "x: its extent "
                               "is not within bounds", from);
    }
    if (record_is_none(before)) {
        return NULL;
    }
    if (record_from(before) != from && record_end(before) == from &&
        from % EXTENT_PAGES != 0 && all_continue(tree, cursor)) {
        return g_strdup_printf("frame 0x%" G_GINT64_MODIFIER "x: its group "
                               "should be one with the group before", from);
    }
    return check_pair(before, record);
}

char *extents_check(const RecordTree *tree)
{
    RecordCursor cursor = { .height = 0 };
    char *wrong = record_tree_check(tree);

    record_tree_seek(tree, &cursor, frame_key(0));
    while (!wrong && !record_is_none(record_cursor_get(&cursor))) {
        wrong = check_record(tree, &cursor);
        record_cursor_next(&cursor);
    }
    return wrong;
}
