/*
 * PV IOMMU: an ordered set of 16-byte records: insertion and removal
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <string.h>

#include "record-tree-internal.h"

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
    const RecordNode *next = record_cursor_neighbour(cursor, true);
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
        entry.child = record_node_new(tree, leaf);
    }
    record_node_set_count(entry.child, count);
    entries_copy(node_columns(tree, entry.child, leaf), 0,
                 window_columns(tree, window), from, count);
    if (tree->weigh) {
        entry.heaviest = record_node_heaviest(tree, entry.child, count, leaf);
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
        record_node_free(tree, parent.child[window.first + nodes],
                         window.leaves);
        remove_entry(tree, cursor, level - 1);
    } else {
        record_tree_reweigh(tree, cursor, level - 1);
    }
}

/* --- insertion --- */

static void add_root(RecordTree *tree, RecordCursor *cursor)
{
    RecordNode *root = record_node_new(tree, false);
    RecordEntry entry = { .child = tree->root };

    memmove(&cursor->path[1], &cursor->path[0],
            cursor->height * sizeof(cursor->path[0]));
    cursor->height++;
    tree->height++;
    tree->root = root;
    if (tree->weigh) {
        entry.heaviest = record_node_heaviest(tree, entry.child,
                                              entry.child->count,
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
    RecordNode *node = record_node_new(tree, leaf);
    RecordEntry above = {
        .key = separator(tree, entry->key),
        .child = node,
    };

    node->count = 1;
    entry_set(node_columns(tree, node, leaf), 0, entry);
    if (tree->weigh) {
        above.heaviest = record_node_heaviest(tree, node, 1, leaf);
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
        record_tree_reweigh(tree, cursor, level);
        return true;
    }
    if (level == 0) {
        add_root(tree, cursor);
        level = 1;
    }
    if (index == node->count && record_cursor_on_right_edge(cursor, level)) {
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
        tree->root = record_node_new(tree, true);
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
        record_node_free(tree, root, false);
        tree->height--;
    }
    if (tree->root->count == 0) {
        record_node_free(tree, tree->root, true);
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
        (node->count > 0 && record_cursor_on_right_edge(cursor, level))) {
        record_tree_reweigh(tree, cursor, level);
        return true;
    }
    if (node->count == 0) {
        record_node_free(tree, node, leaf);
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
    record_tree_reweigh(tree, cursor, leaf);
}
