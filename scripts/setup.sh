#!/bin/sh
# Installs the Debian packages that building needs, if any is missing. Quiet when there is nothing to
# do. Further packages may be named as arguments.
packages="gcc libc6-dev cmake ninja-build pkg-config zlib1g-dev libzip-dev libspng-dev \
libturbojpeg0-dev libstb-dev liblapacke-dev libcurl4-openssl-dev libssl-dev libcmocka-dev $*"
command -v dpkg-query >/dev/null || exit 0   # Not Debian: the build says what it misses.
missing=
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then run=; elif command -v sudo >/dev/null; then run=sudo; else
    echo "pinhole: please install as root: apt-get install$missing" >&2
    exit 1
fi
echo "installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$run apt-get update -qq >/dev/null &&
    $run apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    { echo "pinhole: could not install$missing" >&2; exit 1; }
