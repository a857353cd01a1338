"""The layers of Keras itself."""
