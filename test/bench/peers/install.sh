#!/usr/bin/env bash
# Installs what `npm run bench` compares Latchkey with: cfssl, step-ca and micromdm's SCEP server, from their Go modules, at fixed versions.
#
#   test/bench/peers/install.sh            all of them; one that cannot be had is said, and the others are installed
#   LATCHKEY_BENCH_PEERS=/some/folder …    where to; ~/.cache/latchkey-bench when left out. `npm run bench` looks in the same place
#
# Needs Go 1.25 or newer (it fetches a newer one by itself where GOTOOLCHAIN lets it) and the Go module proxy. Modules and
# compiled parts go into the same folder, so that removing it removes everything. Takes some minutes the first time.
# openssl is the system's own; wrk, which the asking program is compared with, is Debian's package `wrk`.
set -uo pipefail

folder=${LATCHKEY_BENCH_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/latchkey-bench}
peers=(
  github.com/cloudflare/cfssl/cmd/cfssl@v1.6.5
  github.com/micromdm/scep/v2/cmd/scepserver@v2.3.0
  github.com/smallstep/certificates/cmd/step-ca@v0.30.2
)

command -v go >/dev/null || { echo 'Go is not installed' >&2; exit 1; }
mkdir -p "$folder/bin" || exit 1
# Without C there is nothing for keys in hardware, which is not measured.
export GOBIN=$folder/bin GOPATH=$folder/go GOCACHE=$folder/build GOFLAGS=-modcacherw CGO_ENABLED=0
failed=0
for peer in "${peers[@]}"; do
  program=$(basename "${peer%@*}")
  if [ "$(cat "$folder/bin/$program.version" 2>/dev/null)" = "$peer" ]; then echo "$peer is there"; continue; fi
  echo "installing $peer"
  if go install -trimpath -ldflags '-s -w' "$peer"; then echo "$peer" >"$folder/bin/$program.version"; else failed=1; fi
done
exit $failed
