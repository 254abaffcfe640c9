/* What IDENT says about this firmware. Generated from pyproject.toml by firmware/generate.py; do not edit. */
#ifndef VERSION_H
#define VERSION_H

#define FIRMWARE_VERSION {0U, 1U, 0U}

#ifndef BUILD_REVISION
#define BUILD_REVISION 0UL /* the Makefile gives a hash of the sources and the compiler */
#endif

#endif
