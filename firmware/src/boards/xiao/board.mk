BOARDS += xiao
FAMILY_xiao := rp2
