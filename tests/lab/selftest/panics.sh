# SPDX-License-Identifier: GPL-2.0-or-later
#
# dom0's kernel panics.
# expect: dom0 went down

echo c > /proc/sysrq-trigger
sleep 1000
