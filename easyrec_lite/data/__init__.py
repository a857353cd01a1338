"""easyrec_lite.data"""
