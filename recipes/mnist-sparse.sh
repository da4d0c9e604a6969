# What each unit looks for.
pinhole info mnist-sparse.pin --filters filters.png
echo "the picture: $folder/filters.png"
