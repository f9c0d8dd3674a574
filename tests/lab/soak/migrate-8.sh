# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Linux guest with 8 e1000 migrates to this same host, 20 of 20 times.
# Each time the identities hold and the guest goes on; every fifth time it
# hot-plugs and unplugs.
# timeout: 2400
# needs: qemu xendm-memoryd

memoryd_start
soak_moves migrate 8
