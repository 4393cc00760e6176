#!/bin/sh
# An app in shell. Elves starts: run.sh APP FUNCTION BASE64-OF-THE-PARAMETER
#
#   elvesctl exec 127.0.0.1 hello-shell greet Ada --proxy 'sh|run.sh'
#   elvesctl exec 127.0.0.1 hello-shell disk / --proxy 'sh|run.sh'
function="$2"
parameter=$(printf %s "$3" | base64 -d)

case "$function" in
  greet) flag=true; result="Hello, ${parameter:-world}!" ;;
  disk)  flag=true; result=$(df -P "${parameter:-/}" 2>&1) || flag=false ;;
  *)     flag=false; result="no such function: $function" ;;
esac

printf '<ElvesWFlag>%s</ElvesWFlag> <ElvesWResult>%s</ElvesWResult>\n' "$flag" "$result"
