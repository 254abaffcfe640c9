BOARDS += uno
FAMILY_uno := avr
MCU_uno := atmega328p
AVRDUDE_uno := -c arduino -p m328p -b 115200
