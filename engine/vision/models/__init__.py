"""The committed networks, how they are made, and what stands between them and the layers above them."""
