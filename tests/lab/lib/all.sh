# SPDX-License-Identifier: GPL-2.0-or-later
# The scenario library; README.rst documents the functions.

for part in core xen guest migrate memoryd identities hotplug soak arm \
    grants; do
    . "/lab/lib/$part.sh"
done
