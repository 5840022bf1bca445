#!/bin/sh
# Resolve pyproject.toml into requirements.lock (everything) and requirements/<service>.lock (what an image needs), with
# hashes, for Linux and macOS at once, and deploy/local/jgo.toml into jgo.lock.toml. No lock names an index or a mirror.
# What is pinned already stays; UPGRADE=1 resolves anew.
set -eu
cd "$(dirname "$0")/../.."

resolve() { # <file> <options…>
    output=$1
    shift
    .venv/bin/uv pip compile pyproject.toml "$@" --output-file "$output" --quiet ${UPGRADE:+--upgrade} \
        --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
}

resolve requirements.lock --group dev
mkdir -p requirements
for service in identity campaigns adrequests payments moderation gateway; do
    resolve "requirements/$service.lock" --group "$service" --constraint requirements.lock
done

if [ -n "${UPGRADE:-}" ] || [ deploy/local/jgo.toml -nt deploy/local/jgo.lock.toml ]; then
    jgo=$(pwd)/.venv/bin/jgo
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cp deploy/local/jgo.toml "$work"
    (cd "$work" && "$jgo" --ignore-config --resolver python --repo-cache "$work/maven" --cache-dir "$work/cache" sync)
    cp "$work/cache/jgo.lock.toml" deploy/local/jgo.lock.toml
fi
