# Clean, masked, filled in.
pinhole eval mnist-masked.pin mnist
pinhole reconstruct mnist-masked.pin mnist --noise mask:0.75 -o masked.png
echo "the picture: $folder/masked.png"
