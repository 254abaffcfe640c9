BOARDS += feather_ads
FAMILY_feather_ads := rp2
