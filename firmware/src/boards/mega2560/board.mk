BOARDS += mega2560
FAMILY_mega2560 := avr
MCU_mega2560 := atmega2560
AVRDUDE_mega2560 := -c wiring -p m2560 -b 115200 -D
