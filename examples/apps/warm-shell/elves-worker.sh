# Write functions, not workers: an app's functions for Elves, in POSIX shell. elves-worker(7)
#
#   greet() { printf 'Hello, %s!\n' "${1:-world}"; }
#   . "${0%/*}/elves-worker.sh"
#   elves_serve greet -- "$@"
#
# elves_serve NAME... -- ARGUMENTS: the functions that may be called, then the arguments of the script.
# A function is given its parameter as $1. What it prints is the result, its exit status the flag: 0 is
# true. The same script works in both ways: started for each call, and, when appcfg.json says so, once
# for many. It takes one call at a time. Needs base64 (coreutils, busybox).

elves_call() { # NAME PARAMETER: sets elves_result and elves_flag
  elves_flag=false
  case " $elves_names " in
    *" $1 "*) elves_result=$("$1" "$2" 3<&- 4>&-) && elves_flag=true ;;
    *) elves_result="there is no function $1" ;;
  esac
}

elves_serve_once() { # APP FUNCTION BASE64-OF-THE-PARAMETER
  if [ -n "${ELVES_PARAM_FILE:-}" ]; then
    elves_call "$2" "$(cat "$ELVES_PARAM_FILE")"
  else
    elves_call "$2" "$(printf %s "$3" | base64 -d)"
  fi
  printf '<ElvesWFlag>%s</ElvesWFlag> <ElvesWResult>%s</ElvesWResult>\n' "$elves_flag" "$elves_result"
}

# {"call":7,"func":"greet","param":"BASE64","id":"...": these stand in this order. A quote within a
# name is written \", so it cannot be taken for the end of one; such a name is no function of ours.
elves_serve_lines() {
  exec 3<&0 4>&1 </dev/null >&2
  printf '{"elves":1}\n' >&4
  while IFS= read -r elves_rest <&3; do
    elves_rest=${elves_rest#'{"call":'}
    elves_number=${elves_rest%%,*}
    elves_rest=${elves_rest#*',"func":"'}
    elves_func=${elves_rest%%'"'*}
    elves_rest=${elves_rest#*'","param":"'}
    elves_call "$elves_func" "$(printf %s "${elves_rest%%'"'*}" | base64 -d)"
    printf '{"call":%s,"flag":%s,"result64":"%s"}\n' "$elves_number" "$elves_flag" \
      "$(printf %s "$elves_result" | base64 | tr -d '\n')" >&4
  done
}

elves_serve() {
  elves_names=
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    elves_names="$elves_names $1"
    shift
  done
  [ $# -eq 0 ] || shift
  if [ -n "${ELVES_WARM:-}" ]; then
    elves_serve_lines
  else
    elves_serve_once "$@"
  fi
}
