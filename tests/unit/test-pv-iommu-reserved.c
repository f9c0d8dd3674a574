/*
 * PV IOMMU: reserved regions and the policy about them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <glib.h>

#include "hw/xen/pv-iommu-map.h"
#include "hw/xen/pv-iommu-reserved.h"

#define GRAPHICS 0x10           /* 0000:00:02.0 */

static XenPvIommuReservedSet *set_with(const XenPvIommuReserved *regions,
                                       unsigned count)
{
    XenPvIommuReservedSet *set = xen_pv_iommu_reserved_new();

    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpint(xen_pv_iommu_reserved_add(set, &regions[i]), ==, 0);
    }
    return set;
}

static void test_empty(void)
{
    XenPvIommuReservedSet *set = xen_pv_iommu_reserved_new();
    const XenPvIommuReserved *clash = (void *)set;

    g_assert_null(xen_pv_iommu_reserved_get(set, 0));
    g_assert_null(xen_pv_iommu_reserved_find(set, 0, XEN_PV_IOMMU_FRAME_END));
    g_assert_true(xen_pv_iommu_reserved_allows(set, 0, 1,
                                               XEN_PV_IOMMU_RDM_STRICT,
                                               &clash));
    g_assert_null(clash);
    xen_pv_iommu_reserved_free(set);
    xen_pv_iommu_reserved_free(NULL);
}

static void test_order(void)
{
    static const XenPvIommuReserved regions[] = {
        { .start = 300, .frames = 10, .sbdf = 3 },
        { .start = 100, .frames = 10, .sbdf = 1 },
        { .start = 200, .frames = 200, .sbdf = 2 },
    };
    XenPvIommuReservedSet *set = set_with(regions, 3);

    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(xen_pv_iommu_reserved_get(set, i)->sbdf, ==, i + 1);
    }
    g_assert_null(xen_pv_iommu_reserved_get(set, 3));
    xen_pv_iommu_reserved_free(set);
}

static void test_edges(void)
{
    static const XenPvIommuReserved region = { .start = 100, .frames = 10 };
    XenPvIommuReservedSet *set = set_with(&region, 1);

    g_assert_null(xen_pv_iommu_reserved_find(set, 90, 10));
    g_assert_nonnull(xen_pv_iommu_reserved_find(set, 90, 11));
    g_assert_nonnull(xen_pv_iommu_reserved_find(set, 109, 1));
    g_assert_null(xen_pv_iommu_reserved_find(set, 110, 10));
    g_assert_nonnull(xen_pv_iommu_reserved_find(set, 0, UINT64_MAX));
    g_assert_nonnull(xen_pv_iommu_reserved_find(set, 105, UINT64_MAX));
    g_assert_null(xen_pv_iommu_reserved_find(set, 105, 0));
    g_assert_null(xen_pv_iommu_reserved_find(set, 110, UINT64_MAX));
    xen_pv_iommu_reserved_free(set);
}

/* A long region does not hide behind a short one that begins later. */
static void test_overlapping_regions(void)
{
    static const XenPvIommuReserved regions[] = {
        { .start = 0, .frames = 1000, .sbdf = 1 },
        { .start = 10, .frames = 1, .sbdf = 2 },
        { .start = 10, .frames = 1, .sbdf = 3 },
    };
    XenPvIommuReservedSet *set = set_with(regions, 3);

    g_assert_cmpuint(xen_pv_iommu_reserved_find(set, 500, 1)->sbdf, ==, 1);
    g_assert_cmpuint(xen_pv_iommu_reserved_find(set, 10, 1)->sbdf, ==, 1);
    xen_pv_iommu_reserved_free(set);
}

static void test_bad_regions(void)
{
    XenPvIommuReservedSet *set = xen_pv_iommu_reserved_new();
    XenPvIommuReserved region = { .start = 1, .frames = 0 };

    g_assert_cmpint(xen_pv_iommu_reserved_add(set, &region), ==, -EINVAL);
    region.frames = XEN_PV_IOMMU_FRAME_END;
    g_assert_cmpint(xen_pv_iommu_reserved_add(set, &region), ==, -EINVAL);
    region.frames = UINT64_MAX;
    g_assert_cmpint(xen_pv_iommu_reserved_add(set, &region), ==, -EINVAL);
    region.start = XEN_PV_IOMMU_FRAME_END;
    region.frames = 1;
    g_assert_cmpint(xen_pv_iommu_reserved_add(set, &region), ==, -EINVAL);
    region.start--;
    g_assert_cmpint(xen_pv_iommu_reserved_add(set, &region), ==, 0);
    xen_pv_iommu_reserved_free(set);
}

static void test_limit(void)
{
    XenPvIommuReservedSet *set = xen_pv_iommu_reserved_new();
    XenPvIommuReserved region = { .frames = 1 };
    const XenPvIommuReserved *first;

    g_assert_cmpint(xen_pv_iommu_reserved_add(set, &region), ==, 0);
    first = xen_pv_iommu_reserved_get(set, 0);
    for (unsigned i = 1; i < XEN_PV_IOMMU_RESERVED_MAX; i++) {
        region.start = i;
        g_assert_cmpint(xen_pv_iommu_reserved_add(set, &region), ==, 0);
    }
    g_assert_cmpint(xen_pv_iommu_reserved_add(set, &region), ==, -ENOSPC);
    g_assert_true(xen_pv_iommu_reserved_get(set, 0) == first);
    xen_pv_iommu_reserved_free(set);
}

static void test_policy(void)
{
    static const XenPvIommuReserved region = {
        .start = 100, .frames = 10, .sbdf = GRAPHICS,
    };
    XenPvIommuReservedSet *set = set_with(&region, 1);
    const XenPvIommuReserved *clash = NULL;

    g_assert_false(xen_pv_iommu_reserved_allows(set, 95, 6,
                                                XEN_PV_IOMMU_RDM_STRICT,
                                                &clash));
    g_assert_cmpuint(clash->sbdf, ==, GRAPHICS);
    clash = NULL;
    g_assert_true(xen_pv_iommu_reserved_allows(set, 95, 6,
                                               XEN_PV_IOMMU_RDM_RELAXED,
                                               &clash));
    g_assert_cmpuint(clash->sbdf, ==, GRAPHICS);
    g_assert_true(xen_pv_iommu_reserved_allows(set, 95, 5,
                                               XEN_PV_IOMMU_RDM_STRICT,
                                               &clash));
    g_assert_null(clash);
    g_assert_false(xen_pv_iommu_reserved_allows(set, 95, 6,
                                                XEN_PV_IOMMU_RDM_STRICT,
                                                NULL));
    xen_pv_iommu_reserved_free(set);
}

/* The interrupt window forbids, also behind a region that relaxed allows. */
static void test_interrupts(void)
{
    static const XenPvIommuReserved regions[] = {
        {
            .start = XEN_PV_IOMMU_MSI_BFN - 1, .frames = 2, .sbdf = GRAPHICS,
        }, {
            .start = XEN_PV_IOMMU_MSI_BFN, .frames = XEN_PV_IOMMU_MSI_FRAMES,
            .sbdf = XEN_PV_IOMMU_NO_SBDF, .kind = XEN_PV_IOMMU_RESERVED_MSI,
        },
    };
    XenPvIommuReservedSet *set = set_with(regions, 2);
    const XenPvIommuReserved *clash = NULL;

    g_assert_false(xen_pv_iommu_reserved_allows(set, XEN_PV_IOMMU_MSI_BFN, 1,
                                                XEN_PV_IOMMU_RDM_RELAXED,
                                                &clash));
    g_assert_cmpint(clash->kind, ==, XEN_PV_IOMMU_RESERVED_MSI);
    /* It stands in nobody's way in a guest. */
    g_assert_null(xen_pv_iommu_reserved_find_rmrr(
                      set, XEN_PV_IOMMU_MSI_BFN + 1, 1));
    g_assert_nonnull(xen_pv_iommu_reserved_find_rmrr(
                         set, XEN_PV_IOMMU_MSI_BFN, 1));
    g_assert_true(xen_pv_iommu_reserved_allows(set, XEN_PV_IOMMU_MSI_BFN - 1,
                                               1, XEN_PV_IOMMU_RDM_RELAXED,
                                               &clash));
    g_assert_cmpuint(clash->sbdf, ==, GRAPHICS);
    g_assert_false(xen_pv_iommu_reserved_allows(
                       set, XEN_PV_IOMMU_MSI_BFN + XEN_PV_IOMMU_MSI_FRAMES - 1,
                       1, XEN_PV_IOMMU_RDM_RELAXED, NULL));
    g_assert_true(xen_pv_iommu_reserved_allows(
                      set, XEN_PV_IOMMU_MSI_BFN + XEN_PV_IOMMU_MSI_FRAMES, 1,
                      XEN_PV_IOMMU_RDM_STRICT, NULL));
    xen_pv_iommu_reserved_free(set);
}

static void test_describe(void)
{
    static const struct {
        XenPvIommuReserved region;
        const char *text;
    } cases[] = {
        { { .start = 0xab000, .frames = 0x100, .sbdf = GRAPHICS },
          "reserved region 0xab000-0xab0ff of 0000:00:02.0" },
        { { .start = 1, .frames = 1, .sbdf = 0xabcdffff },
          "reserved region 0x1-0x1 of abcd:ff:1f.7" },
        { { .start = 0, .frames = XEN_PV_IOMMU_FRAME_END,
            .sbdf = XEN_PV_IOMMU_NO_SBDF },
          "reserved region 0x0-0xffffffffff" },
        { { .start = XEN_PV_IOMMU_MSI_BFN, .frames = XEN_PV_IOMMU_MSI_FRAMES,
            .sbdf = XEN_PV_IOMMU_NO_SBDF, .kind = XEN_PV_IOMMU_RESERVED_MSI },
          "interrupt window 0xfee00-0xfeeff" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            xen_pv_iommu_reserved_describe(&cases[i].region);

        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void test_names(void)
{
    XenPvIommuRdmPolicy policy = XEN_PV_IOMMU_RDM_RELAXED;

    g_assert_true(xen_pv_iommu_rdm_policy_parse("strict", &policy));
    g_assert_cmpint(policy, ==, XEN_PV_IOMMU_RDM_STRICT);
    g_assert_true(xen_pv_iommu_rdm_policy_parse("relaxed", &policy));
    g_assert_cmpint(policy, ==, XEN_PV_IOMMU_RDM_RELAXED);
    g_assert_false(xen_pv_iommu_rdm_policy_parse("", &policy));
    g_assert_false(xen_pv_iommu_rdm_policy_parse("Strict", &policy));
    g_assert_false(xen_pv_iommu_rdm_policy_parse("strict ", &policy));
    g_assert_cmpint(policy, ==, XEN_PV_IOMMU_RDM_RELAXED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reserved/empty", test_empty);
    g_test_add_func("/reserved/order", test_order);
    g_test_add_func("/reserved/edges", test_edges);
    g_test_add_func("/reserved/overlapping-regions",
                    test_overlapping_regions);
    g_test_add_func("/reserved/bad-regions", test_bad_regions);
    g_test_add_func("/reserved/limit", test_limit);
    g_test_add_func("/reserved/policy", test_policy);
    g_test_add_func("/reserved/interrupts", test_interrupts);
    g_test_add_func("/reserved/describe", test_describe);
    g_test_add_func("/reserved/names", test_names);
    return g_test_run();
}
