"""What gives frames: the protocol, video files, folders of images, and the registry of all of them."""
