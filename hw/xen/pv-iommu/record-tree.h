/*
 * PV IOMMU: an ordered set of 16-byte records
 *
 * Concepts
 * - A record is a 128-bit number: the key in the upper bits, what is known
 *   about the key below.  Keys are unique.
 * - The set is a B+tree.  Large tables are slow because each step from node to
 *   node misses the processor's caches, so nodes are wide: the leaves of 16
 *   million records hang four steps below the root, and the inner nodes of a
 *   table of ordinary size stay in the cache.
 * - A node that is full, or less full than RECORD_NODE_MIN, shares out its
 *   entries with its neighbours; so each node stays more than half full, in
 *   whatever order records come and go.  Exempt are the nodes on the right
 *   edge, one a level: they begin nearly empty, so that records that come in
 *   ascending order fill each node to the last place.
 * - A tree can know a weight of each record; it then finds heavy records
 *   without a look at the light ones.
 * - A cursor is a place in a tree.  It belongs to one operation: each change
 *   to the tree ends the life of all cursors but the one that it was made
 *   with.
 *
 * No lock.  GLib only.  Private to the PV IOMMU core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_RECORD_TREE_H
#define HW_XEN_PV_IOMMU_RECORD_TREE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Entries of a node: a leaf with its header and malloc's takes 512 bytes.  The
 * least that a node holds; and what it holds at most after sharing out because
 * of an insertion or a removal: the next one nearby is to find room, or enough
 * entries.
 */
#define RECORD_NODE_MAX         31
#define RECORD_NODE_MIN         18
#define RECORD_NODE_INSERTED    26
#define RECORD_NODE_REMOVED     30

/* Levels: 18 to the 15th is above the number of records that memory can hold */
#define RECORD_TREE_HEIGHT_MAX 16

typedef struct Record {
    uint64_t hi;
    uint64_t lo;
} Record;

/* What no record is: all bits set. */
#define RECORD_NONE ((Record){ UINT64_MAX, UINT64_MAX })

/* The halves apart: a search reads the upper ones only, or nearly so. */
typedef struct RecordNode {
    uint32_t count;
    uint64_t hi[RECORD_NODE_MAX];       /* all bits set where unused */
    uint64_t lo[RECORD_NODE_MAX];
} RecordNode;

/**
 * RecordWeighFunc: how heavy is a record?
 * @record: the record
 */
typedef uint64_t RecordWeighFunc(Record record);

/* To be looked into, but changed by the functions below only. */
typedef struct RecordTree {
    RecordNode *root;
    unsigned height;            /* levels; 0: the tree is empty */
    uint64_t lo_key_mask;       /* the bits of Record.lo that are of the key */
    RecordWeighFunc *weigh;     /* or NULL */
    uint64_t records;
    uint64_t bytes;             /* of memory, with malloc's own */
} RecordTree;

/* Height 0 is no place, and what a cursor begins with. */
typedef struct RecordCursor {
    unsigned height;
    bool at_right_edge;         /* of the tree: no leaf follows */
    struct {
        RecordNode *node;
        unsigned index;
    } path[RECORD_TREE_HEIGHT_MAX];
} RecordCursor;

static inline bool record_less(Record a, Record b)
{
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

static inline bool record_is_none(Record record)
{
    return record.hi == UINT64_MAX && record.lo == UINT64_MAX;
}

/**
 * record_tree_init: an empty tree
 * @tree: the tree
 * @lo_key_mask: the bits of Record.lo that belong to the key; those of
 *               Record.hi all do
 * @weigh: gives a record's weight; NULL: no search by weight
 */
void record_tree_init(RecordTree *tree, uint64_t lo_key_mask,
                      RecordWeighFunc *weigh);

/**
 * record_tree_clear: remove all records
 * @tree: the tree
 */
void record_tree_clear(RecordTree *tree);

/*
 * How many keys of the node are below @hi in their upper halves.  First which
 * quarter of them, then which: comparisons that do not wait for each other, and
 * no branch that could be mispredicted.
 */
static inline unsigned record_node_below(const RecordNode *node, uint64_t hi)
{
    unsigned from = 8 * ((node->hi[7] < hi) + (node->hi[15] < hi) +
                         (node->hi[23] < hi));
    const uint64_t *keys = node->hi + from;

    return from + (keys[0] < hi) + (keys[1] < hi) + (keys[2] < hi) +
           (keys[3] < hi) + (keys[4] < hi) + (keys[5] < hi) + (keys[6] < hi);
}

/* Is a place in the cursor's leaf between two records, or behind all? */
static inline bool record_node_between(const RecordCursor *cursor,
                                       const RecordNode *leaf, unsigned index,
                                       uint64_t hi)
{
    return index > 0 && index <= leaf->count && leaf->hi[index - 1] < hi &&
           (index < leaf->count ? leaf->hi[index] > hi
                                : cursor->at_right_edge);
}

/* For record_tree_seek(): from the root. */
void record_tree_seek_far(const RecordTree *tree, RecordCursor *cursor,
                          Record key);

/**
 * record_tree_seek: place a cursor
 * @tree: the tree
 * @cursor: its height is 0, or it is a cursor of this tree that is still alive
 *          (which is faster when the place is near)
 * @key: the place is before the first record that is not less than this
 */
static inline void record_tree_seek(const RecordTree *tree,
                                    RecordCursor *cursor, Record key)
{
    if (cursor->height > 0) {
        const RecordNode *leaf = cursor->path[cursor->height - 1].node;
        unsigned index = cursor->path[cursor->height - 1].index + 1;

        /* What comes in order has its place here or one further on. */
        if (!record_node_between(cursor, leaf, index, key.hi)) {
            index = record_node_below(leaf, key.hi);
        }
        if (record_node_between(cursor, leaf, index, key.hi)) {
            cursor->path[cursor->height - 1].index = index;
            return;
        }
    }
    record_tree_seek_far(tree, cursor, key);
}

/**
 * record_tree_last_below: the last record below a key, without a cursor
 * @tree: the tree
 * @hi: the key's upper half; its lower half is 0
 * @last: set to the record, or to none
 * @before: set to the record before that one, or to none
 *
 * Returns: false if they are in leaves too far apart: look with a cursor
 */
bool record_tree_last_below(const RecordTree *tree, uint64_t hi, Record *last,
                            Record *before);

/**
 * record_cursor_next: move past one record
 * @cursor: a cursor that is not at the end
 */
void record_cursor_next(RecordCursor *cursor);

/* For record_cursor_back(): to the leaf before. */
void record_cursor_back_far(RecordCursor *cursor);

/**
 * record_cursor_back: move before one record more
 * @cursor: a cursor that is not at the beginning
 */
static inline void record_cursor_back(RecordCursor *cursor)
{
    if (cursor->path[cursor->height - 1].index > 0) {
        cursor->path[cursor->height - 1].index--;
    } else {
        record_cursor_back_far(cursor);
    }
}

/* For record_cursor_peek(): what lies in another leaf. */
Record record_cursor_peek_far(const RecordCursor *cursor, int distance);

/**
 * record_cursor_peek: a record near the cursor, which does not move
 * @cursor: a cursor
 * @distance: 0 is the record after it, -1 the one before it, and so on
 *
 * Returns: the record, or none
 */
static inline Record record_cursor_peek(const RecordCursor *cursor,
                                        int distance)
{
    if (cursor->height > 0) {
        const RecordNode *leaf = cursor->path[cursor->height - 1].node;
        unsigned index = cursor->path[cursor->height - 1].index + distance;

        /* What is before the first is beyond the last, as an unsigned. */
        if (index < leaf->count) {
            return (Record){ leaf->hi[index], leaf->lo[index] };
        }
        if (distance != 0) {
            return record_cursor_peek_far(cursor, distance);
        }
    }
    return RECORD_NONE;
}

/**
 * record_cursor_get: the record after the cursor
 * @cursor: a cursor
 *
 * Returns: the record, or none at the end
 */
static inline Record record_cursor_get(const RecordCursor *cursor)
{
    return record_cursor_peek(cursor, 0);
}

/**
 * record_tree_insert: enter a record
 * @tree: the tree
 * @cursor: where, so that the order is kept; it must be placed anew afterwards
 * @record: the record, not RECORD_NONE
 */
void record_tree_insert(RecordTree *tree, RecordCursor *cursor, Record record);

/**
 * record_tree_remove: remove a record
 * @tree: the tree
 * @cursor: before the record, so not at the end; it must be placed anew
 *          afterwards
 */
void record_tree_remove(RecordTree *tree, RecordCursor *cursor);

/* For record_tree_replace(): where keys and weights above may change. */
void record_tree_replace_far(RecordTree *tree, RecordCursor *cursor,
                             Record record);

/**
 * record_tree_replace: change a record
 * @tree: the tree
 * @cursor: before the record, so not at the end; it stays
 * @record: the new record, which has the same place in the order
 */
static inline void record_tree_replace(RecordTree *tree, RecordCursor *cursor,
                                       Record record)
{
    RecordNode *leaf = cursor->path[cursor->height - 1].node;
    unsigned index = cursor->path[cursor->height - 1].index;

    if (!tree->weigh &&
        (cursor->height == 1 || (index > 0 && index + 1 < leaf->count))) {
        leaf->hi[index] = record.hi;
        leaf->lo[index] = record.lo;
    } else {
        record_tree_replace_far(tree, cursor, record);
    }
}

/**
 * record_cursor_find_weight: move on to a heavy record
 * @tree: the tree, which knows weights
 * @cursor: moves to the first record after it that weighs @weight or more
 * @weight: at least 1
 *
 * Returns: the record, or none
 */
Record record_cursor_find_weight(const RecordTree *tree, RecordCursor *cursor,
                                 uint64_t weight);

/**
 * record_cursor_max_before: the heaviest record before the cursor
 * @tree: the tree, which knows weights
 * @cursor: a cursor
 *
 * Returns: its weight; 0 if there is none
 */
uint64_t record_cursor_max_before(const RecordTree *tree,
                                  const RecordCursor *cursor);

/**
 * record_tree_check: is the tree sound?
 * @tree: the tree
 *
 * Returns: NULL, or what is wrong, to be freed with g_free()
 */
char *record_tree_check(const RecordTree *tree);

#endif /* HW_XEN_PV_IOMMU_RECORD_TREE_H */
