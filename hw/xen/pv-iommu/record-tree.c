/*
 * PV IOMMU: an ordered set of 16-byte records: memory, places, weights
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stddef.h>

#include "record-tree-internal.h"

/*
 * What the mapping table promises for a page, 64 bytes, is two records; each
 * has a share of its leaf, of that one's parent, and so on.  (The numbers are
 * record_node_bytes() of a 64-bit host: of a leaf, and of an inner node
 * without weights.)
 */
G_STATIC_ASSERT(512 * (RECORD_NODE_MIN - 1) + 768 <=
                64 / 2 * RECORD_NODE_MIN * (RECORD_NODE_MIN - 1));
G_STATIC_ASSERT(sizeof(RecordNode) <= 512 - sizeof(uint64_t));
G_STATIC_ASSERT(offsetof(RecordInner, heaviest) <= 768 - sizeof(uint64_t));

/* --- memory --- */

static size_t node_size(const RecordTree *tree, bool leaf)
{
    if (leaf) {
        return sizeof(RecordNode);
    }
    return tree->weigh ? sizeof(RecordInner) : offsetof(RecordInner, heaviest);
}

/* malloc takes a word of its own, and no less than pairs of words. */
size_t record_node_bytes(const RecordTree *tree, bool leaf)
{
    size_t pair = 2 * sizeof(size_t);
    size_t size = node_size(tree, leaf) + sizeof(size_t);

    return (size + pair - 1) / pair * pair;
}

void record_node_set_count(RecordNode *node, unsigned count)
{
    node->count = count;
    for (unsigned i = count; i < RECORD_NODE_MAX; i++) {
        node->hi[i] = UINT64_MAX;
    }
}

RecordNode *record_node_new(RecordTree *tree, bool leaf)
{
    RecordNode *node = g_malloc(node_size(tree, leaf));

    record_node_set_count(node, 0);
    tree->bytes += record_node_bytes(tree, leaf);
    return node;
}

void record_node_free(RecordTree *tree, RecordNode *node, bool leaf)
{
    tree->bytes -= record_node_bytes(tree, leaf);
    g_free(node);
}

void record_tree_init(RecordTree *tree, uint64_t lo_key_mask,
                      RecordWeighFunc *weigh)
{
    *tree = (RecordTree){
        .lo_key_mask = lo_key_mask,
        .weigh = weigh,
    };
}

static void clear_below(RecordTree *tree, RecordNode *node, unsigned level)
{
    bool leaf = is_leaf(tree, level);

    if (!leaf) {
        for (unsigned i = 0; i < node->count; i++) {
            clear_below(tree, inner(node)->child[i], level + 1);
        }
    }
    record_node_free(tree, node, leaf);
}

void record_tree_clear(RecordTree *tree)
{
    if (tree->height > 0) {
        clear_below(tree, tree->root, 0);
    }
    record_tree_init(tree, tree->lo_key_mask, tree->weigh);
}

/* --- places --- */

/* How many of the node's keys are less than @key. */
static inline unsigned keys_below(const RecordNode *node, Record key)
{
    unsigned index = record_node_below(node, key.hi);

    while (index < node->count && node->hi[index] == key.hi &&
           node->lo[index] < key.lo) {
        index++;
    }
    return index;
}

/* A node far away: ask for all lines that a search can read at once. */
static inline void prefetch(const RecordNode *node)
{
    for (unsigned i = 0; i <= RECORD_NODE_MAX; i += 8) {
        __builtin_prefetch((const uint64_t *)node + i);
    }
}

static bool seek_in_leaf(RecordCursor *cursor, Record key)
{
    unsigned level = cursor->height - 1;
    const RecordNode *leaf = cursor->path[level].node;

    if (record_less(key, node_key(leaf, 0)) ||
        record_less(node_key(leaf, leaf->count - 1), key)) {
        return false;
    }
    cursor->path[level].index = keys_below(leaf, key);
    return true;
}

bool record_tree_last_below(const RecordTree *tree, uint64_t hi, Record *last,
                            Record *before)
{
    const RecordNode *node = tree->root;
    const RecordNode *left = NULL;      /* the leaf before this one, if known */
    bool leftmost = true;
    unsigned index;

    *last = RECORD_NONE;
    *before = RECORD_NONE;
    if (tree->height == 0) {
        return true;
    }
    for (unsigned level = 0; !is_leaf(tree, level); level++) {
        RecordNode *const *child = ((const RecordInner *)node)->child;

        index = record_node_below(node, hi);
        index -= index > 0;
        left = index > 0 ? child[index - 1] : NULL;
        leftmost = leftmost && index == 0;
        node = child[index];
        prefetch(node);
    }
    index = record_node_below(node, hi);
    if (index > 1) {
        *last = node_key(node, index - 1);
        *before = node_key(node, index - 2);
        return true;
    }
    if (left) {
        *last = index > 0 ? node_key(node, 0)
                          : node_key(left, left->count - 1);
        *before = node_key(left, left->count - 2 + index);
        return true;
    }
    if (index > 0) {
        *last = node_key(node, 0);
    }
    return leftmost;
}

/* To the first or last record below what @level points to. */
static void descend(RecordCursor *cursor, unsigned level, bool first)
{
    for (; level + 1 < cursor->height; level++) {
        RecordNode *node = cursor->path[level].node;

        node = inner(node)->child[cursor->path[level].index];
        cursor->path[level + 1].node = node;
        cursor->path[level + 1].index = first ? 0 : node->count - 1;
    }
}

static bool next_leaf(RecordCursor *cursor)
{
    for (unsigned level = cursor->height - 1; level-- > 0;) {
        if (cursor->path[level].index + 1 < cursor->path[level].node->count) {
            cursor->path[level].index++;
            descend(cursor, level, true);
            return true;
        }
    }
    return false;
}

/* To the last record of the leaf before. */
static bool previous_leaf(RecordCursor *cursor)
{
    for (unsigned level = cursor->height - 1; level-- > 0;) {
        if (cursor->path[level].index > 0) {
            cursor->path[level].index--;
            cursor->at_right_edge = false;
            descend(cursor, level, false);
            return true;
        }
    }
    return false;
}

/* Nowhere but at the end of the tree is a cursor at the end of its leaf. */
static inline void leave_end(RecordCursor *cursor)
{
    unsigned leaf = cursor->height - 1;

    if (cursor->path[leaf].index == cursor->path[leaf].node->count) {
        next_leaf(cursor);
    }
}

bool record_cursor_on_right_edge(const RecordCursor *cursor, unsigned level)
{
    for (unsigned i = 0; i < level; i++) {
        if (cursor->path[i].index + 1 != cursor->path[i].node->count) {
            return false;
        }
    }
    return true;
}

void record_tree_seek_far(const RecordTree *tree, RecordCursor *cursor,
                          Record key)
{
    RecordNode *node = tree->root;

    if (cursor->height > 0 && seek_in_leaf(cursor, key)) {
        return;
    }
    cursor->height = tree->height;
    for (unsigned level = 0; level < tree->height; level++) {
        unsigned index = keys_below(node, key);

        cursor->path[level].node = node;
        if (!is_leaf(tree, level)) {
            /* Of the children that begin at or below the key, the last. */
            if (index > 0 && (index == node->count ||
                              record_less(key, node_key(node, index)))) {
                index--;
            }
            node = inner(node)->child[index];
            prefetch(node);
        }
        cursor->path[level].index = index;
    }
    if (tree->height > 0) {
        leave_end(cursor);
        cursor->at_right_edge =
            record_cursor_on_right_edge(cursor, tree->height - 1);
    }
}

void record_cursor_next(RecordCursor *cursor)
{
    cursor->path[cursor->height - 1].index++;
    leave_end(cursor);
}

void record_cursor_back_far(RecordCursor *cursor)
{
    previous_leaf(cursor);
}

const RecordNode *record_cursor_neighbour(const RecordCursor *cursor,
                                          bool after)
{
    unsigned level = cursor->height - 1;
    RecordNode *node = NULL;

    while (!node && level-- > 0) {
        RecordNode *parent = cursor->path[level].node;
        unsigned index = cursor->path[level].index + (after ? 1 : -1);

        if (index < parent->count) {
            node = inner(parent)->child[index];
        }
    }
    for (level++; node && level + 1 < cursor->height; level++) {
        node = inner(node)->child[after ? 0 : node->count - 1];
    }
    return node;
}

/* As many as are asked for are in the next leaf, if there is one. */
Record record_cursor_peek_far(const RecordCursor *cursor, int distance)
{
    unsigned leaf = cursor->height - 1;
    const RecordNode *node = record_cursor_neighbour(cursor, distance > 0);
    unsigned index = cursor->path[leaf].index + distance;

    if (!node) {
        return RECORD_NONE;
    }
    index += distance > 0 ? -cursor->path[leaf].node->count : node->count;
    return index < node->count ? node_key(node, index) : RECORD_NONE;
}

/* --- weights --- */

uint64_t record_node_heaviest(const RecordTree *tree, RecordNode *node,
                              unsigned count, bool leaf)
{
    uint64_t heaviest = 0;

    for (unsigned i = 0; i < count; i++) {
        uint64_t weight = leaf ? tree->weigh(node_key(node, i))
                               : inner(node)->heaviest[i];

        heaviest = MAX(heaviest, weight);
    }
    return heaviest;
}

void record_tree_reweigh(const RecordTree *tree, const RecordCursor *cursor,
                         unsigned level)
{
    if (!tree->weigh) {
        return;
    }
    for (; level > 0; level--) {
        RecordNode *node = cursor->path[level].node;
        RecordNode *parent = cursor->path[level - 1].node;

        inner(parent)->heaviest[cursor->path[level - 1].index] =
            record_node_heaviest(tree, node, node->count, is_leaf(tree, level));
    }
}

/* The first record of the leaf at or after the cursor that is heavy enough. */
static Record heavy_in_leaf(const RecordTree *tree, RecordCursor *cursor,
                            uint64_t weight)
{
    unsigned leaf = cursor->height - 1;
    const RecordNode *node = cursor->path[leaf].node;

    for (unsigned i = cursor->path[leaf].index; i < node->count; i++) {
        if (tree->weigh(node_key(node, i)) >= weight) {
            cursor->path[leaf].index = i;
            return node_key(node, i);
        }
    }
    return RECORD_NONE;
}

/* Point @level at the first child from @index on with something heavy. */
static bool heavy_child(RecordCursor *cursor, unsigned level, unsigned index,
                        uint64_t weight)
{
    RecordNode *node = cursor->path[level].node;

    for (; index < node->count; index++) {
        if (inner(node)->heaviest[index] >= weight) {
            cursor->path[level].index = index;
            cursor->path[level + 1].node = inner(node)->child[index];
            cursor->path[level + 1].index = 0;
            return true;
        }
    }
    return false;
}

Record record_cursor_find_weight(const RecordTree *tree, RecordCursor *cursor,
                                 uint64_t weight)
{
    Record found;
    unsigned level;

    if (cursor->height == 0) {
        return RECORD_NONE;
    }
    found = heavy_in_leaf(tree, cursor, weight);
    if (!record_is_none(found)) {
        return found;
    }
    for (level = cursor->height - 1; level > 0; level--) {
        if (heavy_child(cursor, level - 1, cursor->path[level - 1].index + 1,
                        weight)) {
            break;
        }
    }
    if (level == 0) {
        return RECORD_NONE;
    }
    for (; !is_leaf(tree, level); level++) {
        heavy_child(cursor, level, 0, weight);
    }
    return heavy_in_leaf(tree, cursor, weight);
}

uint64_t record_cursor_max_before(const RecordTree *tree,
                                  const RecordCursor *cursor)
{
    uint64_t heaviest = 0;

    for (unsigned level = 0; level < cursor->height; level++) {
        uint64_t weight = record_node_heaviest(tree, cursor->path[level].node,
                                      cursor->path[level].index,
                                      is_leaf(tree, level));

        heaviest = MAX(heaviest, weight);
    }
    return heaviest;
}
