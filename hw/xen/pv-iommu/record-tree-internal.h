/*
 * PV IOMMU: an ordered set of 16-byte records: what its parts share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_RECORD_TREE_INTERNAL_H
#define HW_XEN_PV_IOMMU_RECORD_TREE_INTERNAL_H

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

static inline RecordInner *inner(RecordNode *node)
{
    return (RecordInner *)node;
}

static inline bool is_leaf(const RecordTree *tree, unsigned level)
{
    return level + 1 == tree->height;
}

static inline Record node_key(const RecordNode *node, unsigned index)
{
    return (Record){ node->hi[index], node->lo[index] };
}

/**
 * record_node_bytes: what a node takes of memory, with what malloc adds
 * @tree: its tree
 * @leaf: is it a leaf?
 */
size_t record_node_bytes(const RecordTree *tree, bool leaf);

/**
 * record_node_new: a node without entries
 * @tree: its tree, which counts its bytes
 * @leaf: is it a leaf?
 *
 * Returns: the node, to be freed with record_node_free()
 */
RecordNode *record_node_new(RecordTree *tree, bool leaf);

/**
 * record_node_free: free a node, but not what is below it
 * @tree: its tree
 * @node: the node
 * @leaf: is it a leaf?
 */
void record_node_free(RecordTree *tree, RecordNode *node, bool leaf);

/**
 * record_node_set_count: say how many entries a node has
 * @node: the node
 * @count: how many; no search finds what is behind them
 */
void record_node_set_count(RecordNode *node, unsigned count);

/**
 * record_node_heaviest: the most that an entry of a node weighs
 * @tree: its tree, which knows weights
 * @node: the node
 * @count: how many of its entries are meant
 * @leaf: is it a leaf?
 */
uint64_t record_node_heaviest(const RecordTree *tree, RecordNode *node,
                              unsigned count, bool leaf);

/**
 * record_tree_reweigh: bring the weights above a changed node up to date
 * @tree: the tree; if it knows no weights, nothing is done
 * @cursor: leads to the node
 * @level: the node's
 */
void record_tree_reweigh(const RecordTree *tree, const RecordCursor *cursor,
                         unsigned level);

/**
 * record_cursor_neighbour: a leaf next to the cursor's
 * @cursor: a cursor with a place
 * @after: the one after it, or else the one before?
 *
 * Returns: the leaf, or NULL
 */
const RecordNode *record_cursor_neighbour(const RecordCursor *cursor,
                                          bool after);

/**
 * record_cursor_on_right_edge: is a node the last one of its level?
 * @cursor: leads to the node
 * @level: the node's
 */
bool record_cursor_on_right_edge(const RecordCursor *cursor, unsigned level);

#endif /* HW_XEN_PV_IOMMU_RECORD_TREE_INTERNAL_H */
