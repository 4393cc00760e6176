#!/bin/sh
# An app whose shell stays alive, because appcfg.json says so.
#
#   elvesctl exec 127.0.0.1 warm-shell greet Ada --proxy 'sh|run.sh'
#   elvesctl exec 127.0.0.1 warm-shell disk / --proxy 'sh|run.sh'

greet() { printf 'Hello, %s!\n' "${1:-world}"; }
disk() { df -P "${1:-/}" 2>&1; }

. "${0%/*}/elves-worker.sh"
elves_serve greet disk -- "$@"
