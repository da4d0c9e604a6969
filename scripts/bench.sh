#!/bin/sh
# pinhole bench beside PyTorch and NumPy where they are installed; the set-up is fair to them (their
# faster BLAS, two bound threads, data in memory). PYTHON names another interpreter to compare with.
pinhole=$1 # and cases, or none for all
shift
here=$(dirname "$0")/..
python=${PYTHON:-/usr/bin/python3}
data=$(printf %s "$PINHOLE_DATA" | cut -d: -f1)
blas=$(ls -d /usr/lib/*/openblas-openmp 2>/dev/null | head -n 1)
if "$python" -c 'import torch' 2>/dev/null && [ -d "$data/fashion-mnist" ]; then
    set -- "$@" --peer "env LD_LIBRARY_PATH=$blas OMP_PROC_BIND=true $python $here/bench/peers.py --data $data"
else
    echo "no PyTorch to compare with (python3-torch, libopenblas0-openmp)" >&2
fi
exec "$pinhole" bench "$@"
