/*
 * PV IOMMU: an ordered set of 16-byte records
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "record-tree.h"

/*
 * The i-th key is not above any record below child[i], and above all those
 * below child[i - 1].
 */
typedef struct RecordInner {
    RecordNode node;
    RecordNode *child[RECORD_NODE_MAX];
    /* Only in a tree that knows weights: the most below each child. */
    uint64_t heaviest[RECORD_NODE_MAX];
} RecordInner;

/* What a node has for one key. */
typedef struct RecordEntry {
    Record key;
    RecordNode *child;
    uint64_t heaviest;
} RecordEntry;

/* Neighbours share out among so many; one node more can come of it. */
#define RECORD_WINDOW 3

/*
 * Sharing out makes one node more or less, at most, and each has enough: an
 * insertion finds at least the minimum in the neighbours and one too many in
 * the node, a removal one too few.  (Where the right edge is among them, see
 * window_part().)
 */
G_STATIC_ASSERT(RECORD_WINDOW * RECORD_NODE_MAX + 1 <=
                (RECORD_WINDOW + 1) * RECORD_NODE_INSERTED);
G_STATIC_ASSERT(RECORD_WINDOW * RECORD_NODE_INSERTED + 1 >=
                (RECORD_WINDOW + 1) * RECORD_NODE_MIN);
G_STATIC_ASSERT((RECORD_WINDOW - 1) * RECORD_NODE_REMOVED + 1 >=
                RECORD_WINDOW * RECORD_NODE_MIN);
G_STATIC_ASSERT(2 * RECORD_NODE_MIN - 1 > RECORD_NODE_REMOVED);

/*
 * What the mapping table promises for a page, 64 bytes, is two records; each
 * has a share of its leaf, of that one's parent, and so on.  (The numbers are
 * node_bytes() of a 64-bit host: a leaf's, an inner node's without weights.)
 */
G_STATIC_ASSERT(512 * (RECORD_NODE_MIN - 1) + 768 <=
                64 / 2 * RECORD_NODE_MIN * (RECORD_NODE_MIN - 1));
G_STATIC_ASSERT(sizeof(RecordNode) <= 512 - sizeof(uint64_t));
G_STATIC_ASSERT(offsetof(RecordInner, heaviest) <= 768 - sizeof(uint64_t));

static RecordInner *inner(RecordNode *node)
{
    return (RecordInner *)node;
}

static bool is_leaf(const RecordTree *tree, unsigned level)
{
    return level + 1 == tree->height;
}

/* --- memory --- */

static size_t node_size(const RecordTree *tree, bool leaf)
{
    if (leaf) {
        return sizeof(RecordNode);
    }
    return tree->weigh ? sizeof(RecordInner) : offsetof(RecordInner, heaviest);
}

/* What malloc takes: a word of its own, and no less than pairs of words. */
static size_t node_bytes(const RecordTree *tree, bool leaf)
{
    size_t pair = 2 * sizeof(size_t);
    size_t size = node_size(tree, leaf) + sizeof(size_t);

    return (size + pair - 1) / pair * pair;
}

/* Of what is behind the last entry, no search must find anything. */
static void node_set_count(RecordNode *node, unsigned count)
{
    node->count = count;
    for (unsigned i = count; i < RECORD_NODE_MAX; i++) {
        node->hi[i] = UINT64_MAX;
    }
}

static RecordNode *node_new(RecordTree *tree, bool leaf)
{
    RecordNode *node = g_malloc(node_size(tree, leaf));

    node_set_count(node, 0);
    tree->bytes += node_bytes(tree, leaf);
    return node;
}

static void node_free(RecordTree *tree, RecordNode *node, bool leaf)
{
    tree->bytes -= node_bytes(tree, leaf);
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
    node_free(tree, node, leaf);
}

void record_tree_clear(RecordTree *tree)
{
    if (tree->height > 0) {
        clear_below(tree, tree->root, 0);
    }
    record_tree_init(tree, tree->lo_key_mask, tree->weigh);
}

/* --- places --- */

static Record node_key(const RecordNode *node, unsigned index)
{
    return (Record){ node->hi[index], node->lo[index] };
}

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

static bool on_right_edge(const RecordCursor *cursor, unsigned level)
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
        cursor->at_right_edge = on_right_edge(cursor, tree->height - 1);
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

/* The leaf before or after the cursor's, or NULL */
static const RecordNode *neighbour(const RecordCursor *cursor, bool after)
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
    const RecordNode *node = neighbour(cursor, distance > 0);
    unsigned index = cursor->path[leaf].index + distance;

    if (!node) {
        return RECORD_NONE;
    }
    index += distance > 0 ? -cursor->path[leaf].node->count : node->count;
    return index < node->count ? node_key(node, index) : RECORD_NONE;
}

/* --- weights --- */

static uint64_t heaviest_of(const RecordTree *tree, RecordNode *node,
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

/* Bring the weights above the node at @level up to date. */
static void reweigh(const RecordTree *tree, RecordCursor *cursor,
                    unsigned level)
{
    if (!tree->weigh) {
        return;
    }
    for (; level > 0; level--) {
        RecordNode *node = cursor->path[level].node;
        RecordNode *parent = cursor->path[level - 1].node;

        inner(parent)->heaviest[cursor->path[level - 1].index] =
            heaviest_of(tree, node, node->count, is_leaf(tree, level));
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
        uint64_t weight = heaviest_of(tree, cursor->path[level].node,
                                      cursor->path[level].index,
                                      is_leaf(tree, level));

        heaviest = MAX(heaviest, weight);
    }
    return heaviest;
}

/* --- entries --- */

/* Where entries are: in a node, or in a window. */
typedef struct RecordColumns {
    uint64_t *hi;
    uint64_t *lo;
    RecordNode **child;         /* NULL: those of a leaf */
    uint64_t *heaviest;         /* NULL: no weights */
} RecordColumns;

static inline RecordColumns node_columns(const RecordTree *tree,
                                         RecordNode *node, bool leaf)
{
    return (RecordColumns){
        .hi = node->hi,
        .lo = node->lo,
        .child = leaf ? NULL : inner(node)->child,
        .heaviest = leaf || !tree->weigh ? NULL : inner(node)->heaviest,
    };
}

/* Copy @count entries; they may overlap. */
static inline void entries_copy(RecordColumns to, unsigned to_index,
                                RecordColumns from, unsigned from_index,
                                unsigned count)
{
    memmove(to.hi + to_index, from.hi + from_index, count * sizeof(*to.hi));
    memmove(to.lo + to_index, from.lo + from_index, count * sizeof(*to.lo));
    if (to.child) {
        memmove(to.child + to_index, from.child + from_index,
                count * sizeof(*to.child));
    }
    if (to.heaviest) {
        memmove(to.heaviest + to_index, from.heaviest + from_index,
                count * sizeof(*to.heaviest));
    }
}

static inline void entry_set(RecordColumns to, unsigned index,
                             const RecordEntry *entry)
{
    to.hi[index] = entry->key.hi;
    to.lo[index] = entry->key.lo;
    if (to.child) {
        to.child[index] = entry->child;
    }
    if (to.heaviest) {
        to.heaviest[index] = entry->heaviest;
    }
}

/* --- sharing out --- */

static bool insert_entry(RecordTree *tree, RecordCursor *cursor,
                         unsigned level, RecordEntry entry);
static bool remove_entry(RecordTree *tree, RecordCursor *cursor,
                         unsigned level);

#define RECORD_WINDOW_MAX (RECORD_WINDOW * RECORD_NODE_MAX + 1)

typedef struct RecordWindow {
    RecordNode *parent;
    unsigned first;             /* child of the parent */
    unsigned nodes;
    bool leaves;
    unsigned count;
    uint64_t hi[RECORD_WINDOW_MAX];
    uint64_t lo[RECORD_WINDOW_MAX];
    RecordNode *child[RECORD_WINDOW_MAX];
    uint64_t heaviest[RECORD_WINDOW_MAX];
} RecordWindow;

/* The key that tells what begins with @record from what is before it. */
static Record separator(const RecordTree *tree, Record record)
{
    record.lo &= tree->lo_key_mask;
    return record;
}

/* A record below all others of its node: the keys above it must allow it. */
static void lower_separators(const RecordTree *tree, RecordCursor *cursor,
                             unsigned level, Record record)
{
    record = separator(tree, record);
    for (; level > 0 && cursor->path[level].index == 0; level--) {
        RecordNode *parent = cursor->path[level - 1].node;
        unsigned index = cursor->path[level - 1].index;

        if (record_less(record, node_key(parent, index))) {
            parent->hi[index] = record.hi;
            parent->lo[index] = record.lo;
        }
    }
}

/*
 * The last record of its leaf has become greater: the keys that lead to the
 * next leaf must tell them apart.  They may be lower than that leaf's first
 * record, and so have to go up.
 */
static void raise_separators(const RecordTree *tree,
                             const RecordCursor *cursor, Record record)
{
    const RecordNode *next = neighbour(cursor, true);
    unsigned level = cursor->height - 1;
    RecordNode *node;
    unsigned index;
    Record first;

    if (!next) {
        return;
    }
    first = separator(tree, node_key(next, 0));
    do {
        level--;
        node = cursor->path[level].node;
        index = cursor->path[level].index + 1;
    } while (index == node->count);
    for (; node != next; node = inner(node)->child[index], index = 0) {
        if (!record_less(record, node_key(node, index))) {
            node->hi[index] = first.hi;
            node->lo[index] = first.lo;
        }
    }
}

static inline RecordColumns window_columns(const RecordTree *tree,
                                           RecordWindow *window)
{
    return (RecordColumns){
        .hi = window->hi,
        .lo = window->lo,
        .child = window->leaves ? NULL : window->child,
        .heaviest = window->leaves || !tree->weigh ? NULL : window->heaviest,
    };
}

/*
 * Collect the entries of the node at @level and of its neighbours, and
 * @extra, if any, at the cursor's place.
 */
static void window_fill(const RecordTree *tree, const RecordCursor *cursor,
                        unsigned level, const RecordEntry *extra,
                        RecordWindow *window)
{
    unsigned here = cursor->path[level - 1].index;
    unsigned index = 0;
    RecordColumns columns;

    window->leaves = is_leaf(tree, level);
    columns = window_columns(tree, window);
    window->parent = cursor->path[level - 1].node;
    window->nodes = MIN(window->parent->count, RECORD_WINDOW);
    window->first = MIN(here > 0 ? here - 1 : 0,
                        window->parent->count - window->nodes);
    window->count = 0;
    for (unsigned i = window->first; i < window->first + window->nodes; i++) {
        RecordNode *node = inner(window->parent)->child[i];

        if (i == here) {
            index = window->count + cursor->path[level].index;
        }
        entries_copy(columns, window->count,
                     node_columns(tree, node, window->leaves), 0,
                     node->count);
        window->count += node->count;
    }
    if (extra) {
        entries_copy(columns, index + 1, columns, index,
                     window->count - index);
        entry_set(columns, index, extra);
        window->count++;
    }
}

/* Fill the @number-th node with @count entries from @from on. */
static RecordEntry window_write(RecordTree *tree, RecordWindow *window,
                                unsigned number, unsigned from,
                                unsigned count)
{
    bool leaf = window->leaves;
    Record first = { window->hi[from], window->lo[from] };
    RecordEntry entry = { .key = separator(tree, first) };

    if (number < window->nodes) {
        entry.child = inner(window->parent)->child[window->first + number];
    } else {
        entry.child = node_new(tree, leaf);
    }
    node_set_count(entry.child, count);
    entries_copy(node_columns(tree, entry.child, leaf), 0,
                 window_columns(tree, window), from, count);
    if (tree->weigh) {
        entry.heaviest = heaviest_of(tree, entry.child, count, leaf);
    }
    if (number == 0) {
        /* It may be lower than the first key, and stays so. */
        entry.key = node_key(window->parent, window->first);
    }
    return entry;
}

/*
 * How many entries the @number-th of @nodes gets.  Where there are not enough
 * for all, the last of them is on the right edge and gets what is left.
 */
static unsigned window_part(const RecordWindow *window, unsigned nodes,
                            unsigned number)
{
    unsigned part = window->count / nodes;

    if (nodes == 1 || part >= RECORD_NODE_MIN) {
        return part + (number < window->count % nodes);
    }
    return number + 1 < nodes ? RECORD_NODE_MIN
                              : window->count - number * RECORD_NODE_MIN;
}

/* The node at @level has too many entries (with @extra) or too few. */
static void share_out(RecordTree *tree, RecordCursor *cursor, unsigned level,
                      const RecordEntry *extra)
{
    unsigned most = extra ? RECORD_NODE_INSERTED : RECORD_NODE_REMOVED;
    RecordWindow window;
    RecordColumns parent;
    RecordEntry entry;
    unsigned nodes;
    unsigned from = 0;

    window_fill(tree, cursor, level, extra, &window);
    parent = node_columns(tree, window.parent, false);
    nodes = (window.count + most - 1) / most;
    for (unsigned i = 0; i < nodes; i++) {
        unsigned part = window_part(&window, nodes, i);

        entry = window_write(tree, &window, i, from, part);
        if (i < window.nodes) {
            entry_set(parent, window.first + i, &entry);
        }
        from += part;
    }
    cursor->path[level - 1].index = window.first + MIN(nodes, window.nodes);
    if (nodes > window.nodes) {
        insert_entry(tree, cursor, level - 1, entry);
    } else if (nodes < window.nodes) {
        node_free(tree, parent.child[window.first + nodes], window.leaves);
        remove_entry(tree, cursor, level - 1);
    } else {
        reweigh(tree, cursor, level - 1);
    }
}

/* --- insertion --- */

static void add_root(RecordTree *tree, RecordCursor *cursor)
{
    RecordNode *root = node_new(tree, false);
    RecordEntry entry = { .child = tree->root };

    memmove(&cursor->path[1], &cursor->path[0],
            cursor->height * sizeof(cursor->path[0]));
    cursor->height++;
    tree->height++;
    tree->root = root;
    if (tree->weigh) {
        entry.heaviest = heaviest_of(tree, entry.child, entry.child->count,
                                     is_leaf(tree, 1));
    }
    root->count = 1;
    entry_set(node_columns(tree, root, false), 0, &entry);
    cursor->path[0].node = root;
    cursor->path[0].index = 0;
}

/* Ascending insertions: leave what is full behind. */
static void append_node(RecordTree *tree, RecordCursor *cursor, unsigned level,
                        const RecordEntry *entry)
{
    bool leaf = is_leaf(tree, level);
    RecordNode *node = node_new(tree, leaf);
    RecordEntry above = {
        .key = separator(tree, entry->key),
        .child = node,
    };

    node->count = 1;
    entry_set(node_columns(tree, node, leaf), 0, entry);
    if (tree->weigh) {
        above.heaviest = heaviest_of(tree, node, 1, leaf);
    }
    cursor->path[level - 1].index++;
    insert_entry(tree, cursor, level - 1, above);
}

/* Returns: false if nodes have been rearranged */
static bool insert_entry(RecordTree *tree, RecordCursor *cursor,
                         unsigned level, RecordEntry entry)
{
    RecordNode *node = cursor->path[level].node;
    unsigned index = cursor->path[level].index;

    lower_separators(tree, cursor, level, entry.key);
    if (node->count < RECORD_NODE_MAX) {
        RecordColumns columns = node_columns(tree, node, is_leaf(tree, level));

        entries_copy(columns, index + 1, columns, index, node->count - index);
        entry_set(columns, index, &entry);
        node->count++;
        reweigh(tree, cursor, level);
        return true;
    }
    if (level == 0) {
        add_root(tree, cursor);
        level = 1;
    }
    if (index == node->count && on_right_edge(cursor, level)) {
        append_node(tree, cursor, level, &entry);
    } else {
        share_out(tree, cursor, level, &entry);
    }
    return false;
}

void record_tree_insert(RecordTree *tree, RecordCursor *cursor, Record record)
{
    RecordEntry entry = { .key = record };

    tree->records++;
    if (tree->height == 0) {
        tree->height = 1;
        tree->root = node_new(tree, true);
        tree->root->count = 1;
        tree->root->hi[0] = record.hi;
        tree->root->lo[0] = record.lo;
        cursor->height = 0;
    } else if (!insert_entry(tree, cursor, tree->height - 1, entry)) {
        cursor->height = 0;
    }
}

/* --- removal --- */

static void shrink_root(RecordTree *tree)
{
    while (tree->height > 1 && tree->root->count == 1) {
        RecordNode *root = tree->root;

        tree->root = inner(root)->child[0];
        node_free(tree, root, false);
        tree->height--;
    }
    if (tree->root->count == 0) {
        node_free(tree, tree->root, true);
        tree->root = NULL;
        tree->height = 0;
    }
}

/* Returns: false if nodes have been rearranged */
static bool remove_entry(RecordTree *tree, RecordCursor *cursor,
                         unsigned level)
{
    RecordNode *node = cursor->path[level].node;
    unsigned index = cursor->path[level].index;
    bool leaf = is_leaf(tree, level);
    RecordColumns columns = node_columns(tree, node, leaf);

    node->count--;
    entries_copy(columns, index, columns, index + 1, node->count - index);
    node->hi[node->count] = UINT64_MAX;
    if (level == 0) {
        unsigned height = tree->height;

        shrink_root(tree);
        return tree->height == height;
    }
    if (node->count >= RECORD_NODE_MIN ||
        (node->count > 0 && on_right_edge(cursor, level))) {
        reweigh(tree, cursor, level);
        return true;
    }
    if (node->count == 0) {
        node_free(tree, node, leaf);
        remove_entry(tree, cursor, level - 1);
    } else {
        share_out(tree, cursor, level, NULL);
    }
    return false;
}

void record_tree_remove(RecordTree *tree, RecordCursor *cursor)
{
    tree->records--;
    if (!remove_entry(tree, cursor, tree->height - 1)) {
        cursor->height = 0;
    }
}

void record_tree_replace_far(RecordTree *tree, RecordCursor *cursor,
                             Record record)
{
    unsigned leaf = cursor->height - 1;
    RecordNode *node = cursor->path[leaf].node;
    unsigned index = cursor->path[leaf].index;

    if (index == 0) {
        lower_separators(tree, cursor, leaf, record);
    }
    if (index + 1 == node->count &&
        record_less(separator(tree, node_key(node, index)),
                    separator(tree, record))) {
        raise_separators(tree, cursor, record);
    }
    node->hi[index] = record.hi;
    node->lo[index] = record.lo;
    reweigh(tree, cursor, leaf);
}

/* --- soundness --- */

typedef struct RecordCheck {
    const RecordTree *tree;
    uint64_t records;
    uint64_t bytes;
    bool any;
    Record last;
} RecordCheck;

static char *check_leaf(RecordCheck *check, const RecordNode *node)
{
    for (unsigned i = 0; i < node->count; i++) {
        if (check->any && !record_less(check->last, node_key(node, i))) {
            return g_strdup_printf("record %" G_GUINT64_FORMAT
                                   " is out of order", check->records);
        }
        check->any = true;
        check->last = node_key(node, i);
        check->records++;
    }
    return NULL;
}

static char *check_node(RecordCheck *check, RecordNode *node, unsigned level,
                        bool edge);

static char *check_child(RecordCheck *check, RecordNode *node, unsigned i,
                         unsigned level, bool edge)
{
    const RecordTree *tree = check->tree;
    Record key = node_key(node, i);
    RecordNode *child = inner(node)->child[i];
    char *wrong;

    if (check->any && !record_less(check->last, key)) {
        return g_strdup_printf("a key of level %u is below what it follows",
                               level);
    }
    if (record_less(node_key(child, 0), key)) {
        return g_strdup_printf("a key of level %u is above what it leads to",
                               level);
    }
    wrong = check_node(check, child, level + 1,
                       edge && i + 1 == node->count);
    if (!wrong && tree->weigh &&
        inner(node)->heaviest[i] != heaviest_of(tree, child, child->count,
                                                is_leaf(tree, level + 1))) {
        wrong = g_strdup_printf("a weight of level %u is wrong", level);
    }
    return wrong;
}

static char *check_unused(const RecordNode *node)
{
    for (unsigned i = node->count; i < RECORD_NODE_MAX; i++) {
        if (node->hi[i] != UINT64_MAX) {
            return g_strdup_printf("a node of %u entries has a key behind "
                                   "them", node->count);
        }
    }
    return NULL;
}

static char *check_node(RecordCheck *check, RecordNode *node, unsigned level,
                        bool edge)
{
    bool leaf = is_leaf(check->tree, level);
    char *wrong = check_unused(node);

    check->bytes += node_bytes(check->tree, leaf);
    if (node->count > RECORD_NODE_MAX || node->count == 0 ||
        (node->count < RECORD_NODE_MIN && !edge) ||
        (node->count == 1 && level == 0 && !leaf)) {
        return g_strdup_printf("a node of level %u has %u entries", level,
                               node->count);
    }
    if (leaf) {
        return check_leaf(check, node);
    }
    for (unsigned i = 0; i < node->count && !wrong; i++) {
        wrong = check_child(check, node, i, level, edge);
    }
    return wrong;
}

char *record_tree_check(const RecordTree *tree)
{
    RecordCheck check = { .tree = tree };
    char *wrong = NULL;

    if (tree->height > 0) {
        wrong = check_node(&check, tree->root, 0, true);
    }
    if (!wrong && check.records != tree->records) {
        wrong = g_strdup_printf("%" G_GUINT64_FORMAT " records are counted as "
                                "%" G_GUINT64_FORMAT, check.records,
                                tree->records);
    }
    if (!wrong && check.bytes != tree->bytes) {
        wrong = g_strdup_printf("%" G_GUINT64_FORMAT " bytes are counted as "
                                "%" G_GUINT64_FORMAT, check.bytes,
                                tree->bytes);
    }
    return wrong;
}
