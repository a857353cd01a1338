"""easyrec_lite.serving"""
