"""What a bundle runs by itself: these files and those that they import are copied into it.

They may import nothing but the standard library, numpy, OpenCV and, through `zoo.onnx`, ONNX Runtime.
"""
