/* What IDENT says about this firmware. Generated from pyproject.toml by firmware/generate.py; do not edit. */
#ifndef VERSION_H
#define VERSION_H

#define FIRMWARE_VERSION {0U, 1U, 0U}

#ifndef BUILD_REVISION
#define BUILD_REVISION 0UL /* the Makefile gives the first 32 bits of the source revision, where there is one */
#endif

#endif
