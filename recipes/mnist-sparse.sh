# What each unit looks for.
pinhole eval mnist-sparse.pin mnist
pinhole info mnist-sparse.pin --filters filters.png
echo "the picture: $folder/filters.png"
