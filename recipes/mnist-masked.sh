# Clean, masked, filled in.
pinhole reconstruct mnist-masked.pin mnist --noise mask:0.75 -o masked.png
echo "the picture: $folder/masked.png"
