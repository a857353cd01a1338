"""easyrec_lite.metrics"""
