/*
 * PV IOMMU: an ordered set of 16-byte records
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "record-tree.h"

struct RecordNode {
    uint32_t count;
    Record keys[RECORD_NODE_MAX];       /* of a leaf: the records */
};

/*
 * keys[i] is not above any record below child[i], and above all those below
 * child[i - 1].
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
 * One node more or less is enough for the fewest and the most entries that
 * neighbours can have, and nobody gets less than the minimum.
 */
G_STATIC_ASSERT(2 * RECORD_NODE_TARGET + 1 >= 3 * RECORD_NODE_MIN);
G_STATIC_ASSERT(3 * RECORD_NODE_TARGET + 1 >= 4 * RECORD_NODE_MIN);
G_STATIC_ASSERT(4 * RECORD_NODE_TARGET >= 3 * RECORD_NODE_MAX + 1);
G_STATIC_ASSERT(2 * RECORD_NODE_MIN - 1 > RECORD_NODE_TARGET);
/* What is left for the last when all others get the minimum. */
G_STATIC_ASSERT(RECORD_NODE_TARGET + 1 > RECORD_NODE_MIN);

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

static RecordNode *node_new(RecordTree *tree, bool leaf)
{
    RecordNode *node = g_malloc(node_size(tree, leaf));

    node->count = 0;
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

/*
 * How many of the node's keys are less than @key.  Without a branch that
 * depends on the keys: it would be mispredicted every second time.
 */
static unsigned keys_below(const RecordNode *node, Record key)
{
    const Record *base = node->keys;
    unsigned left = node->count;

    while (left > 1) {
        unsigned half = left / 2;

        base += record_less(base[half - 1], key) ? half : 0;
        left -= half;
    }
    return base - node->keys + (left > 0 && record_less(*base, key));
}

static bool seek_in_leaf(RecordCursor *cursor, Record key)
{
    unsigned level = cursor->height - 1;
    const RecordNode *leaf = cursor->path[level].node;

    if (record_less(key, leaf->keys[0]) ||
        record_less(leaf->keys[leaf->count - 1], key)) {
        return false;
    }
    cursor->path[level].index = keys_below(leaf, key);
    return true;
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
            descend(cursor, level, false);
            return true;
        }
    }
    return false;
}

/* Nowhere but at the end of the tree is a cursor at the end of its leaf. */
static void leave_end(RecordCursor *cursor)
{
    unsigned leaf = cursor->height - 1;

    if (cursor->path[leaf].index == cursor->path[leaf].node->count) {
        next_leaf(cursor);
    }
}

void record_tree_seek(const RecordTree *tree, RecordCursor *cursor, Record key)
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
                              record_less(key, node->keys[index]))) {
                index--;
            }
            node = inner(node)->child[index];
        }
        cursor->path[level].index = index;
    }
    if (tree->height > 0) {
        leave_end(cursor);
    }
}

const Record *record_cursor_get(const RecordCursor *cursor)
{
    return record_cursor_peek(cursor, 0);
}

void record_cursor_next(RecordCursor *cursor)
{
    cursor->path[cursor->height - 1].index++;
    leave_end(cursor);
}

static const Record *peek_far(RecordCursor cursor, int distance)
{
    unsigned leaf = cursor.height - 1;

    for (; distance < 0; distance++) {
        if (cursor.path[leaf].index > 0) {
            cursor.path[leaf].index--;
        } else if (!previous_leaf(&cursor)) {
            return NULL;
        }
    }
    for (; distance > 0 && record_cursor_get(&cursor); distance--) {
        record_cursor_next(&cursor);
    }
    return record_cursor_get(&cursor);
}

const Record *record_cursor_peek(const RecordCursor *cursor, int distance)
{
    const RecordNode *leaf;
    int64_t index;

    if (cursor->height == 0) {
        return NULL;
    }
    leaf = cursor->path[cursor->height - 1].node;
    index = (int64_t)cursor->path[cursor->height - 1].index + distance;
    if (index >= 0 && index < leaf->count) {
        return &leaf->keys[index];
    }
    return distance == 0 ? NULL : peek_far(*cursor, distance);
}

/* --- weights --- */

static uint64_t heaviest_of(const RecordTree *tree, RecordNode *node,
                            unsigned count, bool leaf)
{
    uint64_t heaviest = 0;

    for (unsigned i = 0; i < count; i++) {
        uint64_t weight = leaf ? tree->weigh(node->keys[i])
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
static const Record *heavy_in_leaf(const RecordTree *tree,
                                   RecordCursor *cursor, uint64_t weight)
{
    unsigned leaf = cursor->height - 1;
    const RecordNode *node = cursor->path[leaf].node;

    for (unsigned i = cursor->path[leaf].index; i < node->count; i++) {
        if (tree->weigh(node->keys[i]) >= weight) {
            cursor->path[leaf].index = i;
            return &node->keys[i];
        }
    }
    return NULL;
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

const Record *record_cursor_find_weight(const RecordTree *tree,
                                        RecordCursor *cursor, uint64_t weight)
{
    const Record *found;
    unsigned level;

    if (cursor->height == 0) {
        return NULL;
    }
    found = heavy_in_leaf(tree, cursor, weight);
    if (found) {
        return found;
    }
    for (level = cursor->height - 1; level > 0; level--) {
        if (heavy_child(cursor, level - 1, cursor->path[level - 1].index + 1,
                        weight)) {
            break;
        }
    }
    if (level == 0) {
        return NULL;
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

/* --- entries of one node --- */

static RecordEntry entry_get(const RecordTree *tree, RecordNode *node,
                             unsigned index, bool leaf)
{
    RecordEntry entry = { .key = node->keys[index] };

    if (!leaf) {
        entry.child = inner(node)->child[index];
        entry.heaviest = tree->weigh ? inner(node)->heaviest[index] : 0;
    }
    return entry;
}

static void entry_set(const RecordTree *tree, RecordNode *node, unsigned index,
                      bool leaf, const RecordEntry *entry)
{
    node->keys[index] = entry->key;
    if (!leaf) {
        inner(node)->child[index] = entry->child;
        if (tree->weigh) {
            inner(node)->heaviest[index] = entry->heaviest;
        }
    }
}

/* Move the entries from @from on to @to, within the node. */
static void entries_move(const RecordTree *tree, RecordNode *node, unsigned to,
                         unsigned from, bool leaf)
{
    size_t count = node->count - from;

    memmove(&node->keys[to], &node->keys[from], count * sizeof(Record));
    if (!leaf) {
        memmove(&inner(node)->child[to], &inner(node)->child[from],
                count * sizeof(RecordNode *));
        if (tree->weigh) {
            memmove(&inner(node)->heaviest[to], &inner(node)->heaviest[from],
                    count * sizeof(uint64_t));
        }
    }
    node->count = node->count - from + to;
}

/* --- sharing out --- */

static bool insert_entry(RecordTree *tree, RecordCursor *cursor,
                         unsigned level, RecordEntry entry);
static bool remove_entry(RecordTree *tree, RecordCursor *cursor,
                         unsigned level);

typedef struct RecordWindow {
    RecordNode *parent;
    unsigned first;             /* child of the parent */
    unsigned nodes;
    unsigned count;
    RecordEntry entries[RECORD_WINDOW * RECORD_NODE_MAX + 1];
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

        if (record_less(record, parent->keys[index])) {
            parent->keys[index] = record;
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
    unsigned leaf = cursor->height - 1;
    RecordCursor next = *cursor;

    if (!next_leaf(&next)) {
        return;
    }
    for (unsigned level = 0; level < leaf; level++) {
        Record *key = &next.path[level].node->keys[next.path[level].index];

        if (next.path[level].index != cursor->path[level].index ||
            next.path[level].node != cursor->path[level].node) {
            if (!record_less(record, *key)) {
                *key = separator(tree, next.path[leaf].node->keys[0]);
            }
        }
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

/*
 * Collect the entries of the node at @level and of its neighbours, and
 * @extra, if any, at the cursor's place.
 */
static void window_fill(const RecordTree *tree, const RecordCursor *cursor,
                        unsigned level, const RecordEntry *extra,
                        RecordWindow *window)
{
    unsigned here = cursor->path[level - 1].index;
    bool leaf = is_leaf(tree, level);

    window->parent = cursor->path[level - 1].node;
    window->nodes = MIN(window->parent->count, RECORD_WINDOW);
    window->first = MIN(here > 0 ? here - 1 : 0,
                        window->parent->count - window->nodes);
    window->count = 0;
    for (unsigned i = 0; i < window->nodes; i++) {
        RecordNode *node = inner(window->parent)->child[window->first + i];

        for (unsigned j = 0; j <= node->count; j++) {
            if (extra && node == cursor->path[level].node &&
                j == cursor->path[level].index) {
                window->entries[window->count++] = *extra;
            }
            if (j < node->count) {
                window->entries[window->count++] =
                    entry_get(tree, node, j, leaf);
            }
        }
    }
}

/* Fill the @number-th of @nodes nodes with @count entries from @from on. */
static RecordEntry window_write(RecordTree *tree, const RecordWindow *window,
                                unsigned number, unsigned from,
                                unsigned count, bool leaf)
{
    RecordEntry entry = { .key = separator(tree, window->entries[from].key) };

    if (number < window->nodes) {
        entry.child = inner(window->parent)->child[window->first + number];
    } else {
        entry.child = node_new(tree, leaf);
    }
    entry.child->count = count;
    for (unsigned i = 0; i < count; i++) {
        entry_set(tree, entry.child, i, leaf, &window->entries[from + i]);
    }
    if (tree->weigh) {
        entry.heaviest = heaviest_of(tree, entry.child, count, leaf);
    }
    if (number == 0) {
        /* It may be lower than the first key, and tell more so. */
        entry.key = window->parent->keys[window->first];
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
    bool leaf = is_leaf(tree, level);
    RecordWindow window;
    RecordEntry entry;
    unsigned nodes;
    unsigned from = 0;

    window_fill(tree, cursor, level, extra, &window);
    nodes = (window.count + RECORD_NODE_TARGET - 1) / RECORD_NODE_TARGET;
    for (unsigned i = 0; i < nodes; i++) {
        unsigned part = window_part(&window, nodes, i);

        entry = window_write(tree, &window, i, from, part, leaf);
        if (i < window.nodes) {
            entry_set(tree, window.parent, window.first + i, false, &entry);
        }
        from += part;
    }
    cursor->path[level - 1].index = window.first + MIN(nodes, window.nodes);
    if (nodes > window.nodes) {
        insert_entry(tree, cursor, level - 1, entry);
    } else if (nodes < window.nodes) {
        node_free(tree, inner(window.parent)->child[window.first + nodes],
                  leaf);
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
    entry_set(tree, root, 0, false, &entry);
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
    entry_set(tree, node, 0, leaf, entry);
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
    bool leaf = is_leaf(tree, level);

    lower_separators(tree, cursor, level, entry.key);
    if (node->count < RECORD_NODE_MAX) {
        entries_move(tree, node, index + 1, index, leaf);
        entry_set(tree, node, index, leaf, &entry);
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
        tree->root->keys[0] = record;
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

    entries_move(tree, node, index, index + 1, leaf);
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

void record_tree_replace(RecordTree *tree, RecordCursor *cursor, Record record)
{
    unsigned leaf = cursor->height - 1;
    RecordNode *node = cursor->path[leaf].node;
    unsigned index = cursor->path[leaf].index;

    if (record_less(record, node->keys[index])) {
        lower_separators(tree, cursor, leaf, record);
    } else if (index + 1 == node->count) {
        raise_separators(tree, cursor, record);
    }
    node->keys[index] = record;
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
        if (check->any && !record_less(check->last, node->keys[i])) {
            return g_strdup_printf("record %" G_GUINT64_FORMAT
                                   " is out of order", check->records);
        }
        check->any = true;
        check->last = node->keys[i];
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
    Record key = node->keys[i];
    RecordNode *child = inner(node)->child[i];
    char *wrong;

    if (check->any && !record_less(check->last, key)) {
        return g_strdup_printf("a key of level %u is below what it follows",
                               level);
    }
    if (record_less(child->keys[0], key)) {
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

static char *check_node(RecordCheck *check, RecordNode *node, unsigned level,
                        bool edge)
{
    bool leaf = is_leaf(check->tree, level);
    char *wrong = NULL;

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
