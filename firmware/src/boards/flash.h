/* Tables that stay in flash: an AVR copies other constants into RAM, which has no kilobyte to spare. */
#ifndef FLASH_H
#define FLASH_H

#ifdef __AVR__
#include <avr/pgmspace.h>
#define IN_FLASH PROGMEM
#define flash_u8(at) pgm_read_byte(at)
#define flash_u32(at) pgm_read_dword(at)
#define flash_pointer(at) pgm_read_ptr(at)
#else
#define IN_FLASH
#define flash_u8(at) (*(at))
#define flash_u32(at) (*(at))
#define flash_pointer(at) (*(at))
#endif

#endif
