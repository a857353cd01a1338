"""easyrec_lite.config"""
