/* The second stage, which the boot ROM copies into RAM and runs if its CRC is right (2.8.1.3.1; image.py adds the CRC). It
   sets the flash up for plain serial reads (command 03h), which every flash chip knows, and starts the program. Speed is no
   matter: start.c copies the program into RAM at once. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .boot2, "ax"

#define SSI 0x18000000
#define SSI_CTRLR0 0x00
#define SSI_CTRLR1 0x04
#define SSI_SSIENR 0x08
#define SSI_BAUDR 0x14
#define SSI_SPI_CTRLR0 0xf4

    .global boot2
    .thumb_func
boot2:
    ldr r3, =SSI
    movs r1, #0
    str r1, [r3, #SSI_SSIENR]
    movs r1, #4                                 /* clk_sys / 4 */
    str r1, [r3, #SSI_BAUDR]
    ldr r1, =(31 << 16) | (3 << 8)              /* frames of 32 bits, "EEPROM read": command and address, then data */
    str r1, [r3, #SSI_CTRLR0]
    movs r1, #0
    str r1, [r3, #SSI_CTRLR1]
    ldr r1, =(0x03 << 24) | (2 << 8) | (6 << 2) /* command 03h, 8 bits of it, 24 bits of address */
    ldr r0, =SSI + SSI_SPI_CTRLR0
    str r1, [r0]
    movs r1, #1
    str r1, [r3, #SSI_SSIENR]
    ldr r0, =0x10000100                         /* the program's vectors */
    ldr r1, =0xe000ed08
    str r0, [r1]
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2
    .ltorg
