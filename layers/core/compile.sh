# Compiles the layer for the Lambda runtime: shipped .pyc files save more than half of a cold start's imports.
# unchecked-hash, because zipping changes the files' times and Lambda cannot write a fresher .pyc.
site=$1 runtime=$2
for python in "python$runtime" "$HOME"/.pyenv/versions/"$runtime"*/bin/python"$runtime" "$(pyenv root 2>/dev/null)"/versions/"$runtime"*/bin/python"$runtime"; do
    # a version manager's shim exists and yet may not run, so run it
    if "$python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$runtime')" 2>/dev/null; then
        exec "$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$site"
    fi
done
echo "notice: no Python $runtime found, so the layer ships without .pyc files and starts cold more slowly" >&2
echo "        (install Python $runtime, or put python$runtime on the PATH, and build again)" >&2
