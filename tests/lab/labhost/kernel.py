# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux without its compression.

Xen unpacks dom0's kernel itself, which under TCG takes longer than all the
rest of its start.
"""

import lzma
import struct
from pathlib import Path

from .errors import LabError

# Offsets in the boot sector, from Linux's Documentation/arch/x86/boot.rst.
SETUP_SECTORS = 0x1F1
MAGIC = 0x202
PAYLOAD_OFFSET = 0x248
PAYLOAD_LENGTH = 0x24C
SECTOR = 512


def unpack(packed: Path) -> bytes:
    """The ELF file inside a bzImage; the bzImage if it is packed otherwise
    than Debian's are."""
    image = packed.read_bytes()
    if image[MAGIC:MAGIC + 4] != b"HdrS":
        raise LabError(f"{packed} is not a Linux bzImage")
    # 0 stands for 4, for old boot loaders.
    setup = ((image[SETUP_SECTORS] or 4) + 1) * SECTOR
    offset, = struct.unpack_from("<I", image, PAYLOAD_OFFSET)
    length, = struct.unpack_from("<I", image, PAYLOAD_LENGTH)
    payload = image[setup + offset:setup + offset + length]
    if not payload.startswith(b"\xfd7zXZ\0"):
        return image
    return lzma.LZMADecompressor().decompress(payload)
