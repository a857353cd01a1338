"""easyrec_lite.layers"""
