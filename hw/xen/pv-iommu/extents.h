/*
 * PV IOMMU: runs of frames that stand for runs of frames
 *
 * Concepts
 * - An extent says: the frame from + i stands for the frame to + i, for an
 *   owner.  The table has two sets of them: by BFN (to the gfn, with all that
 *   is known) and by gfn (to the BFN, with nothing else).
 * - Extents over the same frames are a group.  They all have the same first
 *   frame and the same length: where they would not, they are cut.  So a frame
 *   has one group or none, and the group is found with one search.
 * - Groups that could be one are one, but none goes beyond a multiple of
 *   EXTENT_PAGES.  So what a set holds depends only on what it says, not on
 *   how it came to say it.
 *
 * A cursor goes with each call to save searches: see record_tree_seek().
 *
 * No lock.  GLib only.  Private to the PV IOMMU core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_XEN_PV_IOMMU_EXTENTS_H
#define HW_XEN_PV_IOMMU_EXTENTS_H

#include "record-tree.h"

/* An extent's length has 12 bits in its record. */
#define EXTENT_PAGES 4096

/* The bits of a record's lower half that belong to the key */
#define EXTENT_LO_KEY_MASK (~((UINT64_C(1) << 36) - 1))

typedef struct Extent {
    uint64_t from;              /* 40 bits */
    uint64_t to;                /* 40 bits */
    uint32_t pages;             /* 1 to EXTENT_PAGES */
    uint16_t owner;             /* 12 bits */
    uint32_t uses;              /* 20 bits */
    uint8_t access;             /* 2 bits */
    uint8_t state;              /* 2 bits */
} Extent;

static inline uint64_t extent_end(const Extent *extent)
{
    return extent->from + extent->pages;
}

/**
 * extents_find: the group that a frame is in
 * @tree: the set
 * @cursor: moves to the group's first extent, or to the first one of the next
 *          group when there is none for @frame
 * @frame: the frame
 * @first: set to the group's first extent
 *
 * Returns: true if there is a group
 */
bool extents_find(const RecordTree *tree, RecordCursor *cursor, uint64_t frame,
                  Extent *first);

/**
 * extents_find_alone: the extent of a frame that has only one
 * @tree: the set
 * @frame: the frame
 * @extent: set to it
 *
 * Faster than extents_find(), but does not always find what there is.
 *
 * Returns: true if it was found
 */
bool extents_find_alone(const RecordTree *tree, uint64_t frame,
                        Extent *extent);

/**
 * extents_seek_alone: the extent of a frame that has only one
 * @tree: the set
 * @cursor: moves to the extent, if there is just one
 * @frame: the frame
 * @extent: set to it
 *
 * Returns: true if the frame has just one
 */
bool extents_seek_alone(const RecordTree *tree, RecordCursor *cursor,
                        uint64_t frame, Extent *extent);

/**
 * extents_get: the extent after the cursor
 * @cursor: a cursor
 * @extent: set to it, if there is one
 *
 * Returns: true if there is one
 */
bool extents_get(const RecordCursor *cursor, Extent *extent);

/**
 * extents_member: a certain extent of a group
 * @tree: the set
 * @cursor: moves to the extent, or to where it would be
 * @from: the group's first frame
 * @to: what that stands for
 * @owner: for whom
 * @extent: set to it
 *
 * Returns: true if it is there
 */
bool extents_member(const RecordTree *tree, RecordCursor *cursor,
                    uint64_t from, uint64_t to, uint16_t owner,
                    Extent *extent);

/**
 * extents_any_owner: does a frame stand for another, whoever owns that?
 * @tree: the set
 * @cursor: moves
 * @from: the frame
 * @to: the other
 */
bool extents_any_owner(const RecordTree *tree, RecordCursor *cursor,
                       uint64_t from, uint64_t to);

/**
 * extents_put: enter an extent
 * @tree: the set
 * @cursor: moves
 * @extent: the extent, of any length; none of its frames stands for the same
 *          frame for the same owner; its access and state are those of its
 *          frames, where these have a group
 * @pages: its length, in place of @extent->pages
 */
void extents_put(RecordTree *tree, RecordCursor *cursor, const Extent *extent,
                 uint64_t pages);

/**
 * extents_fill: enter an extent into a gap
 * @tree: the set
 * @cursor: where extents_find() left it, which found nothing for
 *          @extent->from; moves
 * @extent: the extent; no frame of it has a group, and it does not go across a
 *          multiple of EXTENT_PAGES
 *
 * Faster than extents_put().
 */
void extents_fill(RecordTree *tree, RecordCursor *cursor,
                  const Extent *extent);

/**
 * extents_within: does a run not go across a multiple of EXTENT_PAGES?
 * @from: its first frame
 * @pages: its length, at least 1
 */
static inline bool extents_within(uint64_t from, uint64_t pages)
{
    return pages <= EXTENT_PAGES - from % EXTENT_PAGES;
}

/**
 * extents_take: remove a part of an extent, if that is alone in its group
 * @tree: the set
 * @cursor: moves
 * @extent: the part: from, to, owner and uses say which
 * @pages: its length, in place of @extent->pages
 *
 * Faster than extents_remove().
 *
 * Returns: false, and nothing has changed, if there is no such extent, or not
 *          alone, or it ends before
 */
bool extents_take(RecordTree *tree, RecordCursor *cursor,
                  const Extent *extent, uint64_t pages);

/**
 * extents_remove: remove an extent
 * @tree: the set
 * @cursor: moves
 * @extent: from, to and owner say which; it may be a part of a longer one, or
 *          several
 * @pages: its length, in place of @extent->pages
 */
void extents_remove(RecordTree *tree, RecordCursor *cursor,
                    const Extent *extent, uint64_t pages);

/**
 * extents_change: change an extent that is alone in its group
 * @tree: the set
 * @cursor: before the extent; moves
 * @extent: the extent with other uses, and all else as it is
 *
 * Faster than extents_count().
 */
void extents_change(RecordTree *tree, RecordCursor *cursor,
                    const Extent *extent);

/**
 * extents_count: change how often an extent is used
 * @tree: the set
 * @cursor: moves
 * @extent: from, to and owner say which; it may be a part of a longer one
 * @difference: 1 or -1
 */
void extents_count(RecordTree *tree, RecordCursor *cursor,
                   const Extent *extent, int difference);

/**
 * extents_set_state: change the state of frames
 * @tree: the set
 * @cursor: moves
 * @from: the first frame
 * @pages: how many; those without a group stay so
 * @state: the state
 * @keep: frames in this state stay in it
 *
 * Returns: how many frames have a new state
 */
uint64_t extents_set_state(RecordTree *tree, RecordCursor *cursor,
                           uint64_t from, uint64_t pages, uint8_t state,
                           uint8_t keep);

/**
 * extents_check: is the set sound, as extents and as a tree?
 * @tree: the set
 *
 * Returns: NULL, or what is wrong, to be freed with g_free()
 */
char *extents_check(const RecordTree *tree);

#endif /* HW_XEN_PV_IOMMU_EXTENTS_H */
