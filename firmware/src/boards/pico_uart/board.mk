BOARDS += pico_uart
FAMILY_pico_uart := rp2
