; The line's two interrupts. In assembly because they come 25 000 times a second: from C they take 76 cycles each,
; here some 45, which is 5 % of the processor. The variables belong to uart.c.

#include <avr/io.h>

#ifndef USART0_RX_vect
#define USART0_RX_vect USART_RX_vect
#define USART0_UDRE_vect USART_UDRE_vect
#endif

#define TX_RING_HIGH_MASK 0x01 /* TX_RING_BYTES is 512 */
#define RX_WAKE_BYTES 16       /* so that little of a setpoint is left to decode when its last byte comes */

.global USART0_UDRE_vect
USART0_UDRE_vect:                       ; the line can take the next byte
    push r24
    in   r24, _SFR_IO_ADDR(SREG)
    push r24
    push r30
    push r31
    in   r30, _SFR_IO_ADDR(GPIOR1)
    in   r31, _SFR_IO_ADDR(GPIOR2)
    subi r30, lo8(-(board_tx_ring))
    sbci r31, hi8(-(board_tx_ring))
    ld   r24, Z
    sts  _SFR_MEM_ADDR(UDR0), r24
    subi r30, lo8(board_tx_ring - 1)    ; back to a position, one on
    sbci r31, hi8(board_tx_ring - 1)
    andi r31, TX_RING_HIGH_MASK
    out  _SFR_IO_ADDR(GPIOR1), r30
    out  _SFR_IO_ADDR(GPIOR2), r31
    lds  r24, tx_end
    cp   r24, r30
    brne 1f
    lds  r24, tx_end + 1
    cp   r24, r31
    brne 1f
    lds  r24, _SFR_MEM_ADDR(UCSR0B)
    andi r24, ~(1 << UDRIE0)
    sts  _SFR_MEM_ADDR(UCSR0B), r24
1:  pop  r31
    pop  r30
    pop  r24
    out  _SFR_IO_ADDR(SREG), r24
    pop  r24
    reti

.global USART0_RX_vect
USART0_RX_vect:                         ; a byte has come
    push r24
    in   r24, _SFR_IO_ADDR(SREG)
    push r24
    push r25
    push r30
    push r31
    lds  r25, _SFR_MEM_ADDR(UCSR0A)     ; has to be read before the byte
    lds  r24, _SFR_MEM_ADDR(UDR0)
    lds  r30, rx_head
    ldi  r31, 0
    subi r30, lo8(-(rx_ring))
    sbci r31, hi8(-(rx_ring))
    st   Z, r24                         ; even into a full ring: the position is never one that waits to be read
    sbrc r25, DOR0
    rcall rx_lost                       ; the hardware has lost a byte before this one
    lds  r30, rx_head
    inc  r30
    lds  r31, rx_tail
    cp   r30, r31
    breq 3f
    sts  rx_head, r30
    sub  r30, r31                       ; bytes that wait
    cpi  r30, RX_WAKE_BYTES
    brsh 1f
    tst  r24
    brne 2f
1:  sbi  _SFR_IO_ADDR(GPIOR0), 2        ; WAKE_RX: a frame has ended, or there is enough to get ahead with
2:  pop  r31
    pop  r30
    pop  r25
    pop  r24
    out  _SFR_IO_ADDR(SREG), r24
    pop  r24
    reti
3:  rcall rx_lost                       ; the ring is full: this one is lost
    rjmp 2b

rx_lost:
    lds  r30, rx_overruns
    lds  r31, rx_overruns + 1
    adiw r30, 1
    sts  rx_overruns, r30
    sts  rx_overruns + 1, r31
    ret
