/* Tables that stay in flash: an AVR copies other constants into RAM, which has no kilobyte to spare. */
#ifndef FLASH_H
#define FLASH_H

#ifdef __AVR__
#include <avr/pgmspace.h>
#define IN_FLASH PROGMEM
#define flash_u32(at) pgm_read_dword(at)
#else
#define IN_FLASH
#define flash_u32(at) (*(at))
#endif

#endif
