/*
 * PV IOMMU: an ordered set of 16-byte records: is it sound?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "record-tree-internal.h"

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
        inner(node)->heaviest[i] !=
        record_node_heaviest(tree, child, child->count,
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

    check->bytes += record_node_bytes(check->tree, leaf);
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
