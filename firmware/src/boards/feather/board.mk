BOARDS += feather
FAMILY_feather := rp2
