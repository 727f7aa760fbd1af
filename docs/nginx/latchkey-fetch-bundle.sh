#!/bin/sh
# Brings the revocation lists of Latchkey to an nginx: fetches, verifies, renames, reloads. Nothing is taken on trust
# from the network: every list must be signed by a CA in chain.pem, be in force, and not be older than the one it
# replaces. Whatever goes wrong, the file that is there stays, and the exit status says so.
#
# Run it every few seconds, as a user who may write to the folder and reload nginx:
#   while :; do latchkey-fetch-bundle.sh http://127.0.0.1:8080 /etc/latchkey; sleep 5; done
#
# Folder: chain.pem (you put it there), bundle.pem (the result), bundle.etag, bundle.lock.
# Needs: curl, openssl 3, GNU date and coreutils, util-linux (flock). Debian has them.
# Exit: 0 replaced or nothing new, 1 failed and the old file stays, 2 wrong use.
#
# Settings (environment): NGINX_TEST (nginx -t), NGINX_RELOAD (nginx -s reload), MAX_BYTES (64 MiB), MAX_LISTS (5000).
set -eu
export LC_ALL=C
umask 022

[ $# -eq 2 ] || { echo "usage: $0 LATCHKEY_URL FOLDER" >&2; exit 2; }
url=$1/crl/bundle.pem
folder=$2
chain=$folder/chain.pem
bundle=$folder/bundle.pem
nginx_test=${NGINX_TEST:-nginx -t -q}
nginx_reload=${NGINX_RELOAD:-nginx -s reload}
max_bytes=${MAX_BYTES:-67108864}
max_lists=${MAX_LISTS:-5000}

fail() { echo "latchkey-fetch-bundle: $*; the old lists stay" >&2; exit 1; }

[ -r "$chain" ] || fail "$chain cannot be read"
exec 9>"$folder/bundle.lock"
flock -n 9 || exit 0 # the run before this one is still at it

# In the same folder, so that the last step is a rename within one file system.
work=$(mktemp -d "$folder/.bundle.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Writes one file per list of PEM file $1 into folder $2, named 1, 2, …
split_lists() {
  mkdir "$2"
  awk -v out="$2" -v most="$max_lists" '
    /^-----BEGIN X509 CRL-----$/ { if (inside || ++n > most) exit 1; inside = 1 }
    inside { print > (out "/" n) }
    /^-----END X509 CRL-----$/ { if (!inside) exit 1; inside = 0; close(out "/" n) }
    END { if (inside || n == 0) exit 1 }
  ' "$1"
}

seconds() { date -u -d "$1" +%s; }

# The head of list $1: names, dates, extensions. Stops before the entries.
head_of() { openssl crl -in "$1" -noout -text | sed '/Revoked Certificates/q'; }

# Prints "scope number thisUpdate nextUpdate digest" of list $1 by issuer $2. The scope is a digest of the issuer and
# of the first address in the list, which is the oldest one and stays when others are added.
describe() {
  facts=$(openssl crl -in "$1" -noout -lastupdate -nextupdate -crlnumber) || return 1
  number=$(printf '%s\n' "$facts" | sed -n 's/^crlNumber=0x//p')
  case $number in '' | *[!0-9A-F]* | ?????????????????????????????????????????*) return 1 ;; esac
  text=$(head_of "$1")
  case $text in *'Delta CRL Indicator'*) return 1 ;; esac
  address=$(printf '%s\n' "$text" | sed -n '/Issuing Distribution Point/,/Signature\|Revoked/s/^ *URI://p' | head -n 1)
  # A complete list beside partitions hides what is only in them. Of the CAs here only a root has one.
  if [ -z "$address" ] && ! grep -qxF -- "$2" "$work/roots"; then return 1; fi
  # Up to 20 octets (RFC 5280), more than a shell can count with: filled up, they are in order as texts.
  printf '%s x%s %s %s %s\n' \
    "$(printf '%s\n%s\n' "$2" "$address" | sha256sum | cut -c 1-64)" "$(printf '%40s' "$number" | tr ' ' 0)" \
    "$(seconds "$(printf '%s\n' "$facts" | sed -n 's/^lastUpdate=//p')")" \
    "$(seconds "$(printf '%s\n' "$facts" | sed -n 's/^nextUpdate=//p')")" \
    "$(openssl crl -in "$1" -outform DER | sha256sum | cut -c 1-64)"
}

# Nothing when the list cannot be read.
issuer_of() { openssl crl -in "$1" -noout -issuer 2>/dev/null | sed 's/^issuer=//'; }
is_trusted() { grep -qxF -- "$1" "$work/issuers"; }

# 1. The authorities that are trusted, by name, and which of them are roots.
csplit -s -z -f "$work/ca." "$chain" '/-----BEGIN CERTIFICATE-----/' '{*}'
: >"$work/roots"; : >"$work/issuers"
for ca in "$work"/ca.*; do
  subject=$(openssl x509 -in "$ca" -noout -subject 2>/dev/null | sed 's/^subject=//')
  [ -n "$subject" ] || continue
  openssl x509 -in "$ca" -noout -checkend 0 >/dev/null || continue # it has ended, and its lists with it
  printf '%s\n' "$subject" >>"$work/issuers"
  [ "$subject" != "$(openssl x509 -in "$ca" -noout -issuer | sed 's/^issuer=//')" ] || printf '%s\n' "$subject" >>"$work/roots"
done
[ -s "$work/roots" ] || fail "$chain has no root"

# 2. Fetch, no more than the cap; a server that has nothing new says 304.
etag=
[ ! -s "$bundle" ] || [ ! -s "$folder/bundle.etag" ] || etag=$(head -n 1 "$folder/bundle.etag")
status=$(
  ulimit -f $((max_bytes / 512 + 1))
  curl --silent --show-error --max-time 30 --max-filesize "$max_bytes" --proto '=http,https' \
    ${etag:+--header "If-None-Match: $etag"} --dump-header "$work/headers" --output "$work/fetched" --write-out '%{http_code}' "$url"
) || fail "$url cannot be fetched"
[ "$status" != 304 ] || exit 0
[ "$status" = 200 ] || fail "$url answered $status"
[ "$(wc -c <"$work/fetched")" -le "$max_bytes" ] || fail "the bundle is larger than $max_bytes bytes"

# 3. Every list: signed by one of ours, in force, in a scope of its own.
split_lists "$work/fetched" "$work/new" || fail "the bundle is not whole PEM"
now=$(date -u +%s)
: >"$work/scopes"; : >"$work/covered"; : >"$work/bundle.pem"
for list in "$work"/new/*; do
  issuer=$(issuer_of "$list")
  [ -n "$issuer" ] || fail "a list cannot be read"
  # During a change of the issuing CA: nginx trusts no certificate of a CA that chain.pem does not have.
  is_trusted "$issuer" || { echo "latchkey-fetch-bundle: left out a list of $issuer, which is not in chain.pem" >&2; continue; }
  case $(openssl crl -in "$list" -noout -CAfile "$chain" -no-CApath -no-CAstore 2>&1) in
    *'verify OK'*) ;;
    *) fail "a list is not signed by the CA it names" ;;
  esac
  line=$(describe "$list" "$issuer") || fail "a list is of a kind that does not belong in a bundle"
  # shellcheck disable=SC2086
  set -- $line
  [ $# -eq 5 ] || fail "a list cannot be read"
  [ "$3" -le "$now" ] || fail "a list is not valid yet: compare the clocks"
  [ "$4" -gt "$now" ] || fail "a list has expired"
  printf '%s\n' "$line" >>"$work/scopes"
  printf '%s\n' "$issuer" >>"$work/covered"
  openssl crl -in "$list" >>"$work/bundle.pem"
done
[ -z "$(cut -d ' ' -f 1 "$work/scopes" | sort | uniq -d)" ] || fail "two lists have the same scope"
# With one CA's lists missing nginx would refuse everybody.
while IFS= read -r issuer; do
  grep -qxF -- "$issuer" "$work/covered" || fail "there is no list of $issuer"
done <"$work/issuers"

# 4. Nothing goes back: each scope that is here stays, with the same list or a newer one.
if [ -s "$bundle" ]; then
  split_lists "$bundle" "$work/old" || fail "$bundle is damaged: remove it by hand"
  for list in "$work"/old/*; do
    issuer=$(issuer_of "$list")
    [ -n "$issuer" ] || fail "$bundle is damaged: remove it by hand"
    is_trusted "$issuer" || continue # taken out of chain.pem
    line=$(describe "$list" "$issuer") || fail "$bundle is damaged: remove it by hand"
    found=$(grep "^${line%% *} " "$work/scopes") || fail "a list that is here is missing from the new bundle"
    printf '%s\n%s\n' "$line" "$found" | awk '
      NR == 1 { number = $2; since = $3; digest = $5 }
      NR == 2 { exit ($2 > number && $3 > since || $2 == number && $5 == digest) ? 0 : 1 }
    ' || fail "a list is older than the one that is here, or has changed under its number"
  done
  # Without bundle.etag the last run did not come to its end.
  if cmp -s "$work/bundle.pem" "$bundle" && [ -s "$folder/bundle.etag" ]; then exit 0; fi
fi

# 5. Written to the disk, then renamed; taken back when nginx does not like it.
sync "$work/bundle.pem"
rm -f "$folder/bundle.etag"
[ ! -e "$bundle" ] || cp -p "$bundle" "$work/before.pem"
mv -f "$work/bundle.pem" "$bundle"
sync "$folder"
if ! $nginx_test 9>&-; then
  if [ -e "$work/before.pem" ]; then mv -f "$work/before.pem" "$bundle"; else rm -f "$bundle"; fi
  fail "nginx does not accept the new lists"
fi
$nginx_reload 9>&- || { echo "latchkey-fetch-bundle: the new lists are in place, but nginx was not reloaded" >&2; exit 1; }
sed -n 's/^[Ee][Tt][Aa][Gg]: *\("[^"]*"\).*$/\1/p' "$work/headers" | tail -n 1 >"$work/etag"
mv -f "$work/etag" "$folder/bundle.etag"
