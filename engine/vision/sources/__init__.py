"""What gives frames: a FrameSource is a recording, a folder of images, or whatever a package registers."""
