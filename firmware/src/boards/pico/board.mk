BOARDS += pico
FAMILY_pico := rp2
