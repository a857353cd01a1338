"""easyrec_lite.losses"""
