# SPDX-License-Identifier: GPL-2.0-or-later
#
# Xen and dom0's toolstack are up.
# timeout: 20

xl info
xl list
lab-domain list
lab-domain free
free
tail -5 "$LAB_HYPERVISOR_LOG"
echo "# hi"
