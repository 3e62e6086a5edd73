#!/bin/sh
# Runs one turn over HTTP and prints its events as they come.
#
#     bobbin serve &
#     examples/06-curl/turn.sh /path/to/a/repository "run the tests"
#
# BOBBIN_URL is the address of the server, BOBBIN_TOKEN its token. Needs curl.
set -eu

cwd=$1
prompt=$2
url=${BOBBIN_URL:-http://127.0.0.1:7420}
token=${BOBBIN_TOKEN:-$(cat "${XDG_DATA_HOME:-$HOME/.local/share}/bobbin/http-token")}
thread=curl-$(date +%s)-$$

# The header goes in by standard input, since other users can read the arguments of a process.
call() {
  curl --silent --show-error --fail-with-body --header @- "$@" <<END
Authorization: Bearer $token
END
}

# Text as JSON: backslashes, quotes, tabs and line feeds.
json() {
  printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g; s/	/\\t/g' | awk '{ printf "%s%s", sep, $0; sep = "\\n" }'
}

call "$url/v1/threads" --json "{\"threadId\": \"$thread\", \"workspace\": {\"cwd\": \"$(json "$cwd")\"}}"
echo
call "$url/v1/threads/$thread/turns" \
  --json "{\"turnId\": \"turn-1\", \"kind\": \"regular\", \"input\": [{\"type\": \"text\", \"text\": \"$(json "$prompt")\"}]}"
echo
events=$(mktemp -d)/events
mkfifo "$events"
curl --silent --show-error --no-buffer --header @- "$url/v1/threads/$thread/events" >"$events" <<END &
Authorization: Bearer $token
END
reader=$!
# The stream goes on after the turn, until the thread is closed.
trap 'kill "$reader"; rm -r "$(dirname "$events")"' EXIT
while IFS= read -r line; do
  case $line in
  'data: '*)
    event=${line#data: }
    printf '%s\n' "$event"
    case $event in *'"type":"turn/completed"'*) break ;; esac
    ;;
  esac
done <"$events"
