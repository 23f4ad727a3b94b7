"""What FaceKey can do, one verb a file."""
