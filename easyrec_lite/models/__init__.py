"""easyrec_lite.models"""
