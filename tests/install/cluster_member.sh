#!/usr/bin/env bash
# A program that is a member of a cluster edits a document while the node that owns it is killed: each of its edits is
# there once. Usage: cluster_member.sh OCTAVO MEMBER FOLDER
set -euo pipefail
octavo=$1 member=$2 folder=$3
mkdir -p "$folder"

fail() {
  printf '%s\n' "$*" >&2
  tail -n 20 "$folder"/*.log >&2
  exit 1
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
declare -A started
trap 'kill -9 "${started[@]}" 2>/dev/null || true' EXIT
within() { # seconds, what, command…
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || fail "not in time: $what"
    sleep 0.2
  done
}

etcd_port=$(free_port) etcd_peers=$(free_port)
etcd --name test --data-dir "$folder/etcd" --logger zap --log-level error \
  --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
  --listen-peer-urls "http://127.0.0.1:$etcd_peers" --initial-advertise-peer-urls "http://127.0.0.1:$etcd_peers" \
  --initial-cluster "test=http://127.0.0.1:$etcd_peers" >"$folder/etcd.log" 2>&1 &
started[etcd]=$!
url=etcd://127.0.0.1:$etcd_port
within 20 "etcd answers" curl -fs "http://127.0.0.1:$etcd_port/health"
for node in n1 n2 n3; do
  "$octavo" serve --node $node --cluster "$url" --peer-listen "127.0.0.1:$(free_port)" --shards 4 \
    --listen 127.0.0.1:0 --data "$folder/$node" >"$folder/$node.log" 2>&1 &
  started[$node]=$!
done
owner_of() { "$octavo" cluster where diary --cluster "$url" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["owner"] or "")'; }
owned() { [ -n "$(owner_of)" ]; }
within 30 "somebody owns the document" owned

mkfifo "$folder/lines"
"$member" "$url" diary <"$folder/lines" >"$folder/said" 2>"$folder/member.log" &
started[member]=$!
exec 3>"$folder/lines"
says() { grep -q "$1" "$folder/said"; }
printf 'one \n' >&3
within 20 "the first edit" says 'one $'
owner=$(owner_of)
kill -9 "${started[$owner]}"
for line in two three four five; do printf '%s \n' $line >&3; done
within 30 "the edits after the kill" says 'five four three two one $'
exec 3>&-
wait "${started[member]}" || fail "member ended with $?"
unset "started[member]"
said=$(tail -n 1 "$folder/said")
[ "$said" = '{"text":"five four three two one "}' ] || fail "the document says $said"
