"""easyrec_lite.training"""
